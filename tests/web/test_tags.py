"""Template tags of all pages."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.utils import timezone

from engines.models import Engine
from engines.web import context
from engines.web.templatetags import ui


def test_an_icon_carries_the_class_that_the_style_sheets_look_for():
    drawn = ui.icon("search", 20)
    assert 'class="icon"' in drawn and 'width="20"' in drawn and 'aria-hidden="true"' in drawn
    with pytest.raises(Exception, match="does not exist"):
        ui.icon("nonsense")


def test_a_state_is_a_word_and_a_tone_and_never_markup():
    assert ui.badge("DOWN") == '<span class="badge danger">down</span>'
    assert ui.badge("exited", "exited · 3", "danger") == '<span class="badge danger">exited · 3</span>'
    assert ui.badge("brand new") == '<span class="badge neutral">brand new</span>'
    assert "<script" not in ui.badge("<script>")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "just now"),
        (4.9, "just now"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (7200, "2 h ago"),
        (86400 * 3, "3 d ago"),
        (86400 * 20, "2 w ago"),
        (86400 * 300, "10 mo ago"),
        (86400 * 800, "2 y ago"),
    ],
)
def test_how_long_ago_in_words(seconds, words):
    assert ui.since_words(seconds) == words


def test_ago_has_the_exact_time_and_a_dash_for_never():
    moment = timezone.now() - timedelta(minutes=3)
    shown = ui.ago(moment)
    assert ">3 min ago</time>" in shown and moment.strftime("%Y-%m-%d") in shown
    assert ui.ago(None) == ui.ago(0) == ui.ago(-1) == ui.ago(1 << 60) == "—"
    assert f'datetime="{datetime.fromtimestamp(1, UTC).astimezone().isoformat()[:4]}' in ui.ago(1)


def test_durations():
    shown = [ui.duration(seconds) for seconds in (None, 0.25, 59.9, 65, 3599, 7260)]
    assert shown == ["—", "0.2 s", "59.9 s", "1 min 5 s", "59 min 59 s", "2 h 1 min"]
    began = datetime(2026, 1, 1, tzinfo=UTC)
    assert ui.elapsed(SimpleNamespace(started_at=None, finished_at=None)) == "—"
    assert ui.elapsed(SimpleNamespace(started_at=began, finished_at=began + timedelta(seconds=90))) == "1 min 30 s"


def test_sizes_as_the_docker_cli_shows_them():
    assert [ui.size(count) for count in (None, -1, 0, 999, 2_030_000, 10**9, 10**19)] == [
        "—",
        "—",
        "0 B",
        "999 B",
        "2.0 MB",
        "1.0 GB",
        "10000 PB",
    ]
    assert [ui.memory(count) for count in (512 << 20, 1 << 30, 1023)] == ["512 MiB", "1.0 GiB", "1023 B"]


def test_ids_and_versions_are_short():
    assert ui.short_id("sha256:" + "ab" * 32) == "abababababab"
    assert [ui.plain_version(text) for text in ("20.10.24+dfsg1", "27.3.1-rc1", "", None)] == [
        "20.10.24",
        "27.3.1",
        "",
        "",
    ]


@pytest.mark.django_db
def test_the_side_bar_asks_who_it_is_and_once_for_all_engines(django_assert_num_queries):
    user = User.objects.create_superuser("captain")
    for number in range(5):
        Engine.objects.create(name=f"Engine {number}", slug=f"engine-{number}", url="unix:///run/docker.sock")
    request = HttpRequest()
    request.user, request.resolver_match = user, None
    with django_assert_num_queries(3):
        assert len([getattr(engine, "state", None) for engine in context.page(request)["side_engines"]]) == 5


@pytest.mark.parametrize(("cookie", "theme"), [("dark", "dark"), ("light", "light"), ('"><script>', ""), ("", "")])
def test_only_known_themes_reach_the_page(cookie, theme):
    request = HttpRequest()
    request.user, request.resolver_match, request.COOKIES = AnonymousUser(), None, {"theme": cookie}
    assert context.page(request)["theme"] == theme
