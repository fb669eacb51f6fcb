"""Fills a console's audit trail with acts, chained as real ones: `python -m tests.bench.trail_rows 500000`.

Of two persons who do half of everything each does what the other never does, so that their choices can be empty at
a high price; `rare.person` and the word `zebra` are found five times in all.
"""

import hashlib
import random
import sys
from datetime import timedelta

import django
from django.utils import timezone

django.setup()

from engines.models import AuditEntry, AuditHead, Engine  # noqa: E402 (after the set-up)
from engines.trail import chain  # noqa: E402

_BATCH = 2000
_STARTS = ("container.start", "container.stop", "container.restart", "container.remove")
_IMAGES = tuple(f"registry.example.com/team{number % 9}/service{number}" for number in range(200))
_OUTCOMES = ("SUCCEEDED",) * 92 + ("FAILED",) * 5 + ("DENIED",) * 2 + ("LOST",)


def acts(count: int, engines: list[Engine]):
    """Field values of `count` acts, two entries each, oldest first: half a minute apart."""
    chance = random.Random(1)
    moment = timezone.now() - timedelta(seconds=30 * count)
    for number in range(count):
        moment += timedelta(seconds=30)
        engine = engines[0] if chance.random() < 0.5 else chance.choice(engines)
        nightly = number % 2 == 0
        image = chance.choice(_IMAGES)
        same = {
            "actor_pk": 1,
            "actor_name": "nightly" if nightly else "ci" if number % 10 else f"person{chance.randrange(60)}",
            "act": "image.pull" if nightly else chance.choice(_STARTS),
            "address": f"10.0.{chance.randrange(4)}.{chance.randrange(250)}",
            "via": f"session {chance.randrange(1 << 32):08x}",
            "engine_pk": engine.pk,
            "engine_name": engine.name,
            "subject": f"Pull {image}" if nightly else hashlib.sha256(str(number % 5000).encode()).hexdigest(),
            "parameters": {"reference": f"{image}:1.{number % 40}"} if nightly else {},
        }
        if number % (count // 5 or 1) == 7:
            same["actor_name"], same["subject"] = "rare.person", f"zebra{number}"
        made = [{"method": "POST", "path": "/v1.43/containers/x/stop", "status": 204, "ms": chance.randrange(900)}]
        outcome = chance.choice(_OUTCOMES)
        sentence = "" if outcome == "SUCCEEDED" else "The engine said: no such container."
        yield {"phase": "INTENT", "at": moment, **same}
        yield {
            "phase": "OUTCOME",
            "at": moment + timedelta(milliseconds=chance.randrange(9000)),
            "outcome": outcome,
            "sentence": sentence,
            "requests": made,
            **same,
        }


def main(count: int) -> None:
    engines = [
        Engine.objects.get_or_create(slug=f"engine{n}", defaults={"name": f"Engine {n}", "enabled": False})[0]
        for n in range(20)
    ]
    head = AuditHead.objects.get()
    batch, seq, previous = [], head.seq, head.hash
    for values in acts(count, engines):
        seq += 1
        if values["phase"] == "OUTCOME":
            values["intent"] = seq - 1
        entry = AuditEntry(seq=seq, previous=previous, **values)
        previous = entry.hash = chain.seal(entry)
        batch.append(entry)
        if len(batch) == _BATCH:
            AuditEntry.objects.bulk_create(batch)
            batch.clear()
    AuditEntry.objects.bulk_create(batch)
    AuditHead.objects.update(seq=seq, hash=previous)


if __name__ == "__main__":
    main(int(sys.argv[1]))
