"""What a choice finds: the same as reading every entry would."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from engines.audit import queries
from engines.audit.types import ACTS_BY_GROUP, UNFINISHED, Choice, group_words, words_of
from engines.models import AuditEntry
from engines.permissions import Permission
from engines.trail import index
from engines.trail import write as trail
from tests.bench import trail_rows

pytestmark = pytest.mark.django_db


def found(**choice) -> list[str]:
    return [act.last.act for act in queries.page(Choice(**choice), before=None, rows=50).acts]


EVERYTHING = ["image.build", "team.create", "container.kill", "image.pull", "container.stop", "login"]


def test_an_act_is_one_row_newest_first(written):
    assert found() == EVERYTHING
    stopped = queries.page(Choice(act="container.stop"), before=None, rows=50).acts[0]
    assert [entry.phase for entry in stopped.entries] == ["INTENT", "OUTCOME"]
    assert stopped.seconds >= 0


@pytest.mark.parametrize(
    ("choice", "acts"),
    [
        ({"person": "operator"}, ["container.stop", "login"]),
        ({"person": "oper"}, []),
        ({"person": "OPERATOR"}, []),
        ({"act": "container.stop"}, ["container.stop"]),
        ({"act": "container.*"}, ["container.kill", "container.stop"]),
        ({"act": "image.*", "person": "builder"}, ["image.build", "image.pull"]),
        ({"act": "image.*", "person": "operator"}, []),
        ({"outcome": "DENIED"}, ["container.kill"]),
        ({"outcome": "FAILED"}, ["image.pull"]),
        ({"outcome": UNFINISHED}, ["image.build"]),
        ({"outcome": UNFINISHED, "person": "viewer"}, []),
        ({"words": ("größe",)}, ["image.pull"]),
        ({"words": ("GRÖSSE",)}, []),
        ({"words": ("space", "left")}, ["image.pull"]),
        ({"words": ("spa",)}, ["image.pull"]),
        ({"words": ("pace",)}, []),
        ({"words": ("registry.example.com/team",)}, ["image.pull"]),
        ({"words": ("team/registry",)}, []),
        ({"words": ("crew",)}, ["team.create"]),
        ({"words": ("abababab",)}, ["container.kill", "container.stop"]),
        ({"words": ("10.1.2.3",)}, EVERYTHING),
        ({"words": ("0123abcd",), "person": "viewer"}, ["container.kill"]),
        ({"words": ("build",)}, ["image.build", "image.pull"]),
        ({"words": ("build",), "outcome": UNFINISHED}, ["image.build"]),
        ({"words": ("nosuchword",)}, []),
        ({"words": ("-",)}, []),
    ],
)
def test_each_choice_finds_what_it_says(written, choice, acts):
    assert found(**choice) == acts


@pytest.mark.parametrize("word", ['"', "'", "*", "AND", "(", "facts:", "^x", "x" * 200, "%", "\\", ":*", "!", "&"])
def test_no_word_breaks_the_search(written, word):
    assert isinstance(found(words=(word, "login")), list)
    assert isinstance(found(words=(word,), person=word), list)


def test_an_engine_finds_its_own_only(written, engine, other):
    assert found(engine=engine.pk) == ["image.build", "container.kill", "container.stop"]
    assert found(engine=other.pk, words=("space",)) == ["image.pull"]
    assert found(engine=engine.pk, words=("space",)) == []


def test_nothing_typed_by_people_passes_for_a_fact(cast, engine):
    for text in ("p" + b"viewer".hex(), "oDENIED", "facts : oDENIED", "e1"):
        trail.note("logout", by=cast["operator"], subject=text, sentence=text)
    assert found(person="viewer") == found(outcome="DENIED") == []


def test_times_narrow(written):
    now = timezone.now()
    hour, day = timedelta(hours=1), timedelta(days=1)
    for words in ((), ("10.1.2.3",)):
        assert found(since=now - hour, until=now + hour, words=words) == EVERYTHING
        assert found(since=now + hour, words=words) == found(until=now - hour, words=words) == []
        assert found(since=now - 9 * day, until=now - 8 * day, words=words) == []
        assert found(since=datetime.min.replace(tzinfo=UTC), until=datetime.max.replace(tzinfo=UTC), words=words)


def test_what_was_unfinished_is_over_once_its_outcome_is_written(written):
    trail.conclude(AuditEntry.objects.get(act="image.build"), "LOST", sentence="Its worker stopped.")
    assert found(outcome=UNFINISHED) == []
    assert found(outcome="LOST", words=("worker",)) == ["image.build"]
    assert len(found()) == len(EVERYTHING)


def test_what_was_cut_off_is_ended_as_lost_after_an_hour(cast, engine, monkeypatch):
    began = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: began - timedelta(minutes=61))
    trail.begin(Permission.CONTAINER_STOP, by=cast["operator"], engine=engine, subject="old")
    monkeypatch.setattr(timezone, "now", lambda: began)
    trail.begin(Permission.CONTAINER_STOP, by=cast["operator"], engine=engine, subject="young")
    trail.end_cut_off()
    assert [act.last.subject for act in queries.page(Choice(outcome="LOST"), before=None, rows=9).acts] == ["old"]
    assert [act.last.subject for act in queries.page(Choice(outcome=UNFINISHED), before=None, rows=9).acts] == ["young"]


def test_any_choice_finds_page_by_page_what_reading_everything_does():
    trail_rows.main(400)
    everything = [entry for entry in AuditEntry.objects.all() if entry.phase != "INTENT"]
    chance = random.Random(7)
    for _ in range(60):
        like = chance.choice(everything)
        chosen = {
            "person": like.actor_name,
            "act": chance.choice([like.act, f"{like.act.partition('.')[0]}.*"]),
            "engine": like.engine_pk,
            "outcome": like.outcome,
            "since": like.at - timedelta(minutes=chance.randrange(90)),
            "until": like.at + timedelta(minutes=chance.randrange(90)),
            "words": (chance.choice([like.subject[:6], like.address, like.engine_name, "container", "zebra"]),),
        }
        choice = Choice(**{name: chosen[name] for name in chance.sample(sorted(chosen), 3)})
        paged, before = [], None
        while True:
            page = queries.page(choice, before=before, rows=7)
            paged += [act.last.seq for act in page.acts]
            if page.older is None:
                break
            before = page.older
        assert paged == [entry.seq for entry in everything if wanted(entry, choice)], choice


def wanted(entry: AuditEntry, choice: Choice) -> bool:
    told = " ".join((entry.engine_name, entry.act, entry.subject, entry.sentence, entry.address, entry.actor_name))
    told = f" {told} {' '.join(map(str, entry.parameters.values()))}".casefold().translate(str.maketrans("./:", "   "))
    return (
        choice.person in {"", entry.actor_name}
        and (choice.act in {"", entry.act} or choice.group == entry.act.partition(".")[0])
        and choice.engine in {None, entry.engine_pk}
        and choice.outcome in {"", entry.outcome}
        and (choice.since is None or entry.at >= choice.since)
        and (choice.until is None or entry.at < choice.until)
        and all(" " + word.casefold().replace(".", " ") in told for word in choice.words)
    )


def test_an_index_that_lacks_entries_is_made_anew(written):
    with connection.cursor() as cursor:
        table = "" if connection.vendor == "sqlite" else " ON engines_auditentry"
        cursor.execute(f"DROP TRIGGER audit_indexed{table}")
        cursor.execute("DROP TABLE audit_search")
    index.install()
    assert found(words=("space",)) == found(act="image.pull") == ["image.pull"]
    trail.conclude(AuditEntry.objects.get(act="image.build"), "FAILED", sentence="Leaky.")
    assert found(words=("leaky",)) == ["image.build"]


def test_the_newest_being_others_hides_nothing_older(cast, monkeypatch):
    monkeypatch.setattr(index, "_NEWEST", 3)
    for name in ("viewer", "viewer", "operator", "operator", "operator", "operator"):
        trail.note("logout", by=cast[name], sentence="Left.")
    assert found(person="viewer") == found(words=("left",), person="viewer") == ["logout"] * 2
    assert len(found(words=("left",))) == 6


def test_every_act_and_group_has_words():
    for group, acts in ACTS_BY_GROUP.items():
        for text in (group_words(group), *map(words_of, acts)):
            assert text[0].isupper() and "." not in text
