"""Fixtures that hand out real engines, one of each kind per test session, and what one does to them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.client.endpoint import Endpoint
from engines.client.ssh import close_all
from tests.rig.cell import missing
from tests.rig.hosts import Host, host
from tests.rig.registry import Registry
from tests.rig.remains import private_directory


@pytest.fixture(scope="session")
def rig() -> None:
    """Skips the test, by name, where private engines cannot run."""
    if lacks := missing():
        pytest.skip(f"private engines need {', '.join(lacks)}")


@pytest.fixture(scope="session")
def run_dir() -> Iterator[Path]:
    """A private directory with a short name, for sockets."""
    directory = private_directory("run")
    yield directory
    close_all()
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def unix_host(rig: None, run_dir: Path) -> Iterator[Host]:
    with host("unix", run_dir) as made:
        yield made


@pytest.fixture(scope="session")
def tls_host(rig: None, run_dir: Path) -> Iterator[Host]:
    with host("tls", run_dir) as made:
        yield made


@pytest.fixture(scope="session")
def ssh_host(rig: None, run_dir: Path) -> Iterator[Host]:
    with host("ssh", run_dir) as made:
        yield made


@pytest.fixture(scope="session")
def plain_host(rig: None, run_dir: Path) -> Iterator[Host]:
    with host("plain", run_dir) as made:
        yield made


@pytest.fixture
def unix_engine(unix_host: Host) -> Endpoint:
    """An engine behind a unix socket. Shared by all tests: leave it as you found it."""
    return unix_host.endpoint


@pytest.fixture
def tls_engine(tls_host: Host) -> Endpoint:
    """An engine that speaks TCP with mutual TLS. Shared by all tests."""
    return tls_host.endpoint


@pytest.fixture
def ssh_engine(ssh_host: Host) -> Endpoint:
    """An engine behind an SSH server. Shared by all tests."""
    return ssh_host.endpoint


@pytest.fixture
def plain_engine(plain_host: Host) -> Endpoint:
    """An engine that speaks plain TCP. Shared by all tests."""
    return plain_host.endpoint


@pytest.fixture
def fresh_host(rig: None, run_dir: Path) -> Iterator[Host]:
    """An engine behind a unix socket for one test alone, which may kill it."""
    with host("unix", run_dir, name="fresh") as made:
        yield made


@pytest.fixture(scope="session")
def registry(rig: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """An open registry that all these engines reach."""
    with Registry(tmp_path_factory.mktemp("registry")) as made:
        yield made
