"""Changes of an engine's limits. Know no HTTP."""

from django.contrib.auth.models import User

from engines.models import Engine, EngineLimits
from engines.trail import write as trail
from engines.trail.write import NotDone

#: The switches, as fields of EngineLimits.
SWITCHES = (
    *("host_paths", "port_lowest", "port_highest", "publish_everywhere", "memory_required", "memory_most_bytes"),
    *("pids_required", "pids_most", "privileged", "host_namespaces", "devices", "capabilities", "new_privileges"),
    *("logs_need_operator", "record_terminals"),
)


class ChangedMeanwhile(NotDone):
    """Somebody else changed the limits after they were shown; nothing was done."""


def edit(engine: Engine, wanted: EngineLimits, *, shown: int, by: User) -> tuple[str, ...]:
    """Store the switches of `wanted`, when the limits still are of the version `shown`; which of them changed.

    They hold from the next request on. Raises ChangedMeanwhile.
    """
    now = EngineLimits.of(engine)
    changed = tuple(name for name in SWITCHES if getattr(wanted, name) != getattr(now, name))
    if not changed and now.version == shown:
        return ()
    parameters = {
        "changed": list(changed),
        "before": {name: getattr(now, name) for name in changed},
        "after": {name: getattr(wanted, name) for name in changed},
    }
    with trail.act("limits.edit", by=by, engine=engine, parameters=parameters):
        _store(engine, wanted, shown)
    return changed


def _store(engine: Engine, wanted: EngineLimits, shown: int) -> None:
    values = {name: getattr(wanted, name) for name in SWITCHES}
    stored = EngineLimits.objects.filter(engine=engine, version=shown).update(**values, version=shown + 1)
    if not stored and shown == EngineLimits.UNTOUCHED:
        _, stored = EngineLimits.objects.get_or_create(engine=engine, defaults=values)
    if not stored:
        raise ChangedMeanwhile("Somebody else changed these limits a moment ago: nothing was stored.")
