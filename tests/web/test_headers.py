"""What every response carries beside the Content-Security-Policy."""


def test_pages_of_a_person_are_kept_in_no_cache(client, cast):
    client.force_login(cast["viewer"])
    assert client.get("/accounts/profile/").headers["Cache-Control"] == "private, no-store"


def test_even_a_refusal_or_a_missing_page_is(client, cast):
    client.force_login(cast["stranger"])
    response = client.get("/engines/harbour/containers/")
    assert response.status_code == 404
    assert response.headers["Cache-Control"] == "private, no-store"


def test_other_sites_cannot_embed_or_borrow(client):
    headers = client.get("/healthz").headers
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Cache-Control" not in headers
