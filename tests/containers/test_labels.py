"""Labels come from images and from whoever makes a container: they give nobody anything."""

import pytest
from django.conf import settings

from engines.client.connect import call, connect
from engines.models import Grant
from engines.permissions import Role

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["viewer", "stranger"])
def test_a_label_that_names_somebody_as_owner_lets_them_do_nothing(client, cast, register, unix_engine, name):
    row, engine = register(unix_engine), connect(unix_engine)
    Grant.objects.create(engine=row, user=cast["viewer"], role=Role.VIEWER)
    labels = {"console.owner": name, "console.user": name, "com.docker.compose.project": name}
    body = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"], "StopSignal": "SIGKILL", "Labels": labels}
    made = call(engine, "POST", "/containers/create", body=body)["Id"]
    try:
        client.force_login(cast[name], backend=settings.AUTHENTICATION_BACKENDS[0])
        refused = {"viewer": 403, "stranger": 404}[name]
        for verb in ("start", "kill", "remove"):
            assert client.post(f"/engines/real/containers/{made}/{verb}/").status_code == refused
        assert call(engine, "GET", f"/containers/{made}/json")["State"]["Status"] == "created"
    finally:
        call(engine, "DELETE", f"/containers/{made}", params={"force": "1"})
