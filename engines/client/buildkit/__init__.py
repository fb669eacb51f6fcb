"""BuildKit behind the Engine API's `POST /build?version=2`."""
