"""What a container uses, counted as the docker CLI counts it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from engines.client.fields import number, table, tables, text


@dataclass(frozen=True)
class Sample:
    """Of one container at one moment, by the engine's clock.

    `time` in milliseconds since the epoch. `cpu` in percent of one CPU, None without a sample before to compare with;
    `cpus` is how many there are. Memory in bytes, without what could be dropped; `peak` is the most it ever was, 0
    where the engine does not know. `rx`, `tx`, `read` and `write` in bytes since the start.
    """

    id: str
    time: int
    cpu: float | None
    cpus: int
    memory: int
    memory_limit: int
    peak: int
    rx: int
    tx: int
    read: int
    write: int
    pids: int
    #: Nanoseconds of CPU it has used, and that the host has spent in all.
    used: int
    spent: int

    @classmethod
    def from_api(cls, container: str, reply: Mapping[str, Any], before: Self | None = None) -> Self | None:
        """From GET /containers/<id>/stats (Engine API: Container/ContainerStats), whose id is `container`.

        None of one that does not run, of which the engine sends zeros.
        """
        time = _milliseconds(text(reply.get("read")))
        if time <= 0:
            return None
        if before is not None and before.time == time:
            return before
        processor, memory = table(reply.get("cpu_stats")), table(reply.get("memory_stats"))
        usage = table(processor.get("cpu_usage"))
        used, spent = number(usage.get("total_usage")), number(processor.get("system_cpu_usage"))
        each_cpu = usage.get("percpu_usage")
        cpus = number(processor.get("online_cpus")) or (len(each_cpu) if isinstance(each_cpu, list) else 0)
        networks = [each for each in table(reply.get("networks")).values() if isinstance(each, dict)]
        blocks = tables(table(reply.get("blkio_stats")).get("io_service_bytes_recursive"))
        return cls(
            id=container,
            time=time,
            cpu=None if before is None else _share(used - before.used, spent - before.spent, cpus),
            cpus=cpus,
            memory=_used(memory),
            memory_limit=number(memory.get("limit")),
            peak=number(memory.get("max_usage")),
            rx=sum(number(each.get("rx_bytes")) for each in networks),
            tx=sum(number(each.get("tx_bytes")) for each in networks),
            read=_moved(blocks, "r"),
            write=_moved(blocks, "w"),
            pids=number(table(reply.get("pids_stats")).get("current")),
            used=used,
            spent=spent,
        )

    def frame(self) -> dict[str, object]:
        """What is told of it."""
        shown = ("id", "time", "cpus", "memory", "memory_limit", "peak", "rx", "tx", "read", "write", "pids")
        cpu = None if self.cpu is None else round(self.cpu, 2)
        return {"cpu": cpu, **{name: getattr(self, name) for name in shown}}


def _share(used: int, spent: int, cpus: int) -> float:
    """Percent of one CPU. Both are what a counter has grown by; one that began anew has used nothing yet."""
    return used / spent * cpus * 100 if used > 0 and spent > 0 else 0.0


def _used(memory: Mapping[str, Any]) -> int:
    """Without the cache of files that were not used lately, as `docker stats` shows it."""
    usage, details = number(memory.get("usage")), table(memory.get("stats"))
    # The first is of control groups of version 1, the other of version 2.
    for name in ("total_inactive_file", "inactive_file"):
        if name in details and number(details[name]) < usage:
            return usage - number(details[name])
    return usage


def _moved(blocks: list[Mapping[str, Any]], first: str) -> int:
    return sum(number(each.get("value")) for each in blocks if text(each.get("op")).lower().startswith(first))


def _milliseconds(moment: str) -> int:
    try:
        return int(datetime.fromisoformat(moment).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0
