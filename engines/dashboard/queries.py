"""Reads for the fleet page: the console's own tables, never an engine."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import F, Q
from django.utils import timezone

from engines import access
from engines.dashboard.types import STANDINGS, Card, Standing, Total, Watch
from engines.models import Engine, EngineState, Heartbeat

#: The watcher reports every 5 s; after this long, what it wrote may be old.
SILENCE = timedelta(seconds=20)
_KEY_MATERIAL = ("tls_ca", "tls_cert", "tls_key_sealed", "ssh_key_sealed", "ssh_host_key")
_STANDING: dict[str, Standing] = {EngineState.Status.UP: "up", EngineState.Status.DOWN: "down"}


def cards(user: User) -> list[Card]:
    """Every engine that `user` sees, in two queries: what needs somebody first, then by name."""
    rows = (
        access.visible_engines(user)
        .select_related("state")
        .prefetch_related("tags")
        .defer(*_KEY_MATERIAL)
        .annotate(tls=Q(~Q(tls_ca="") | ~Q(tls_cert="")))
        .order_by(F("name"))
    )
    made = [_card(engine, tls=bool(engine.tls)) for engine in rows]
    return sorted(made, key=lambda card: (STANDINGS.index(card.standing), card.engine.name.casefold()))


def chosen(every: Iterable[Card], *, text: str, standing: str) -> list[Card]:
    """Those of this standing, if it is one, in whose name, tags, version or system all words of `text` occur."""
    words = text.casefold().split()
    return [
        card for card in every if standing in {"", card.standing} and all(word in _searched(card) for word in words)
    ]


def totals(every: Iterable[Card]) -> list[Total]:
    """How many engines have each standing that occurs."""
    counts = Counter(card.standing for card in every)
    return [Total(standing, counts[standing]) for standing in STANDINGS if counts[standing]]


def watch() -> Watch:
    """Whether the states shown are kept up to date."""
    beat = Heartbeat.objects.filter(name="watcher").first()
    return Watch(works=beat is not None and timezone.now() - beat.at < SILENCE, since=beat.at if beat else None)


def _card(engine: Engine, *, tls: bool) -> Card:
    state: EngineState | None = getattr(engine, "state", None)
    standing = _STANDING.get(state.status, "unknown") if state else "unknown"
    scheme = engine.url.partition(":")[0]
    way = {"unix": "unix socket", "ssh": "SSH"}.get(scheme, "TCP with TLS" if tls else "plain TCP")
    return Card(
        engine=engine,
        state=state,
        standing=standing if engine.enabled else "disabled",
        way=way,
        plain=scheme == "tcp" and not tls,
        tags=tuple(tag.name for tag in engine.tags.all()),
    )


def _searched(card: Card) -> str:
    said = (card.state.version, card.state.os, card.state.architecture) if card.state else ()
    return " ".join((card.engine.name, card.engine.slug, card.way, *card.tags, *said)).casefold()
