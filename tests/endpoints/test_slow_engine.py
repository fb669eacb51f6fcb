"""A page never waits longer for an engine than a person would."""

import time

from engines.models import EngineState


def test_the_page_of_a_hung_engine_comes_in_time_with_the_sentence(admin, fresh_host, register):
    engine = register(fresh_host.endpoint)
    EngineState.objects.create(engine=engine, status="UP", version="1.2.3", running=7)
    fresh_host.engine.suspend()
    try:
        began = time.monotonic()
        response = admin.get("/engines/real/")
        took = time.monotonic() - began
    finally:
        fresh_host.engine.resume()
    page = response.content.decode()
    assert response.status_code == 200
    assert took < 8
    assert "The engine did not answer within" in page
    assert "not overloaded or hanging" in page
    # What was last known is still there.
    assert ">7<" in page


def test_the_part_that_refreshes_asks_nothing_of_the_engine(admin, fresh_host, register):
    EngineState.objects.create(engine=register(fresh_host.endpoint), status="UP", version="1.2.3")
    fresh_host.engine.suspend()
    try:
        began = time.monotonic()
        part = admin.get("/engines/real/", headers={"HX-Request": "true"}).content.decode()
        assert time.monotonic() - began < 1
    finally:
        fresh_host.engine.resume()
    assert "running" in part and "<html" not in part
