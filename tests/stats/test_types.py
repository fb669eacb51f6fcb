"""What a container uses, from what engines with either version of control groups send."""

import pytest

from engines.stats.types import Sample


def reply(**changed) -> dict:
    return {
        "read": "2026-11-25T08:00:00.5Z",
        "cpu_stats": {"cpu_usage": {"total_usage": 2_000}, "system_cpu_usage": 20_000, "online_cpus": 4},
        "memory_stats": {"usage": 1000, "limit": 5000, "max_usage": 2000, "stats": {"inactive_file": 300}},
        "networks": {"eth0": {"rx_bytes": 1, "tx_bytes": 2}, "eth1": {"rx_bytes": 10, "tx_bytes": 20}},
        "blkio_stats": {
            "io_service_bytes_recursive": [
                {"op": "Read", "value": 5},
                {"op": "read", "value": 6},
                {"op": "Write", "value": 7},
                {"op": "Total", "value": 99},
            ]
        },
        "pids_stats": {"current": 3},
        **changed,
    }


def test_it_counts_as_the_docker_cli_does():
    first = Sample.from_api("c", reply())
    assert (first.time, first.cpu, first.cpus) == (1795593600500, None, 4)
    assert (first.memory, first.memory_limit, first.peak) == (700, 5000, 2000)
    assert (first.rx, first.tx, first.read, first.write, first.pids) == (11, 22, 11, 7, 3)
    later = {"cpu_usage": {"total_usage": 3_000}, "system_cpu_usage": 24_000, "online_cpus": 4}
    second = Sample.from_api("c", reply(read="2026-11-25T08:00:01.5Z", cpu_stats=later), first)
    assert second.cpu == pytest.approx(100.0)


def test_the_older_control_groups_are_read_as_well():
    stats = {"total_inactive_file": 400, "inactive_file": 100}
    processor = {"cpu_usage": {"total_usage": 1, "percpu_usage": [1, 0, 0]}, "system_cpu_usage": 9}
    sample = Sample.from_api("c", reply(memory_stats={"usage": 1000, "stats": stats}, cpu_stats=processor))
    assert (sample.memory, sample.cpus) == (600, 3)
    # A cache larger than all that is used is a slip of the kernel's.
    whole = Sample.from_api("c", reply(memory_stats={"usage": 50, "stats": {"inactive_file": 60}}))
    assert whole.memory == 50


def test_a_counter_that_began_anew_and_a_moment_told_twice_are_no_use_of_cpu():
    first = Sample.from_api("c", reply())
    assert Sample.from_api("c", reply(), first) is first
    anew = {"cpu_usage": {"total_usage": 5}, "system_cpu_usage": 21_000, "online_cpus": 4}
    assert Sample.from_api("c", reply(read="2026-11-25T08:00:09Z", cpu_stats=anew), first).cpu == 0.0


@pytest.mark.parametrize("read", ["0001-01-01T00:00:00Z", "", None, 5, "soon", "9999-99-99"])
def test_what_does_not_run_has_no_sample(read):
    assert Sample.from_api("c", reply(read=read)) is None


@pytest.mark.parametrize("bad", [None, 3, "x", [], {"stats": 5}, {"cpu_usage": [], "usage": -1, "limit": 1 << 70}])
def test_wrong_types_become_nothing(bad):
    keys = ("cpu_stats", "memory_stats", "networks", "blkio_stats", "pids_stats")
    sample = Sample.from_api("c", reply(**dict.fromkeys(keys, bad)))
    assert (sample.memory, sample.memory_limit, sample.rx, sample.read, sample.pids, sample.cpus) == (0,) * 6
