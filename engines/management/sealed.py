"""Every secret that is stored sealed: where it is, whether it opens, and sealing it anew under another key."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.db.models import Model, QuerySet

from engines import secrets
from engines.accounts import factors
from engines.models import Engine, Operation
from engines.operations import sealed as inputs
from engines.operations.kinds import KINDS
from engines.secrets import SecretUnreadable
from engines.trail import write as trail

_BATCH_ROWS = 100
#: How many values of each store are tried at the start of the console.
_SAMPLE = 200


@dataclass(frozen=True)
class Store:
    """Sealed values in `field` of `rows`; under `key` of it where the field is JSON.

    `place` is what the value of a row is bound to, `named` what people call the row.
    """

    rows: QuerySet[Any]
    field: str
    place: Callable[[Any], str]
    key: str = ""
    named: Callable[[Any], str] = str

    def filled(self) -> QuerySet[Any]:
        """The rows that hold a value, in the order in which batches go through them."""
        if self.key:
            return self.rows.filter(**{f"{self.field}__has_key": self.key}).order_by("pk")
        return self.rows.exclude(**{self.field: ""}).order_by("pk")

    def read(self, row: Model) -> str:
        value = getattr(row, self.field)
        return str(value[self.key] if self.key else value)

    def write(self, row: Model, sealed: str) -> None:
        if self.key:
            getattr(row, self.field)[self.key] = sealed
        else:
            setattr(row, self.field, sealed)
        row.save(update_fields=[self.field])


def _of_engine(field: str) -> Store:
    return Store(Engine.objects.all(), f"{field}_sealed", lambda engine: engine.place(field))


def _of_input(kind: str, field: str) -> Store:
    rows = Operation.objects.filter(kind=kind)
    return Store(rows, "spec", lambda operation: inputs.place(operation.pk, field), field)


def _of_factor(kind: str, key: str) -> Store:
    rows = Authenticator.objects.filter(type=kind).select_related("user")
    return Store(rows, "data", lambda factor: factors.seed_place(factor.user_id), key, lambda factor: str(factor.user))


#: The whole of it. What is sealed elsewhere would be lost in a rotation; a test looks for that.
STORES = (
    _of_engine("tls_key"),
    _of_engine("ssh_key"),
    *(_of_input(kind, field) for kind in KINDS for field in KINDS[kind].sealed),
    *(_of_factor(kind, key) for kind, key in factors.SEALED.items()),
)


def stored() -> int:
    """How many sealed values there are."""
    return sum(store.filled().count() for store in STORES)


def unopened(keys: Sequence[str], most: int | None = None) -> Iterator[str]:
    """What none of `keys` opens, by its place and the row's name. At most `most` values of each store are tried."""
    for store in STORES:
        for row in islice(store.filled().iterator(chunk_size=_BATCH_ROWS), most):
            if not _opens(store, row, keys):
                yield f"{store.place(row)} ({store.named(row)})"


def warning() -> str:
    """A sentence when something stored does not open with this console's keys, as after a wrong restore; or empty."""
    broken = list(unopened(list(settings.ENCRYPTION_KEYS), _SAMPLE))
    if not broken:
        return ""
    return (
        f"The keys of this console do not open {broken[0]}"
        + (f" and {len(broken) - 1} more stored secrets" if len(broken) > 1 else "")
        + ": see `manage.py secrets verify`, and put the right key file back (README.md says where)."
    )


def rotate(wait: float, say: Callable[[str], object]) -> None:
    """Seal everything under a new key and remove the old one; goes on where an interrupted rotation stopped.

    `wait` is for how many seconds requests that began with the old key may still save. Raises RotationRuns, and
    NotDone when something does not open: then no key is made or removed.
    """
    ring = settings.ENCRYPTION_KEYS
    with ring.alone(), trail.act("secrets.rotate", by=None, parameters={"sealed": stored()}):
        _refuse(unopened(list(ring)), "Nothing was changed")
        ring.turn()
        keys = list(ring)
        say(f"Sealed anew: {_renew(keys)}.")
        if wait > 0:
            say(f"Waiting {wait:g} s for requests that began before; Ctrl-C is safe, the next run goes on here.")
            time.sleep(wait)
            say(f"Sealed anew: {_renew(keys)}.")
        _refuse(unopened(keys[:1]), "The old key stays")
        ring.retire()


def _refuse(broken: Iterator[str], sentence: str) -> None:
    names = list(broken)
    if names:
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise trail.NotDone(f"{sentence}, since {names[0]}{others} cannot be opened: see `manage.py secrets verify`.")


def _renew(keys: Sequence[str]) -> int:
    """Seal under the first of `keys` what another of them opens; how many."""
    return sum(_renew_store(store, keys) for store in STORES)


def _renew_store(store: Store, keys: Sequence[str]) -> int:
    renewed, last = 0, None
    while True:
        # The rows are locked: what somebody saves meanwhile waits, and is not undone.
        with transaction.atomic():
            rest = store.filled() if last is None else store.filled().filter(pk__gt=last)
            rows = list(rest.select_for_update(of=("self",))[:_BATCH_ROWS])
            for row in rows:
                if not _opens(store, row, keys[:1]):
                    renewed += _renew_row(store, row, keys)
        if not rows:
            return renewed
        last = rows[-1].pk


def _renew_row(store: Store, row: Model, keys: Sequence[str]) -> bool:
    place = store.place(row)
    try:
        plaintext = secrets.decrypt(store.read(row), place=place, keys=keys)
    except SecretUnreadable:
        return False
    store.write(row, secrets.encrypt(plaintext, place=place, keys=keys))
    return True


def _opens(store: Store, row: Model, keys: Sequence[str]) -> bool:
    try:
        secrets.decrypt(store.read(row), place=store.place(row), keys=keys)
    except SecretUnreadable:
        return False
    return True
