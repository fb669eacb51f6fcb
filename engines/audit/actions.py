"""What leaves the trail is itself written to it."""

from django.contrib.auth.models import User

from engines.trail import write as trail


def exported(form: str, chosen: str, *, by: User) -> None:
    """Write that `by` takes away the acts of `chosen` (a query string) as `form`; before the first of them goes out."""
    trail.note("audit.export", by=by, parameters={"format": form, "filter": chosen})
