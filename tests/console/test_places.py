"""Directories of an installation: short enough for sockets, and nobody else's."""

import os
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from console import places


def test_sockets_live_in_the_data_directory_when_its_path_is_short(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert places.run_directory(Path("data")) == Path("data/run")
    assert stat.S_IMODE(Path("data/run").stat().st_mode) == 0o700


def test_a_long_path_gets_a_directory_below_tmp_that_is_the_same_each_time(tmp_path):
    data = tmp_path / ("long" * 20)
    run = places.run_directory(data)
    try:
        assert run.parent == Path("/tmp")
        assert len(str(run)) <= places.LONGEST_RUN_DIR
        assert stat.S_IMODE(run.stat().st_mode) == 0o700
        assert places.run_directory(data) == run
        assert places.run_directory(data / "other") != run
        Path(f"/tmp/{places.run_directory(data / 'other').name}").rmdir()
    finally:
        run.rmdir()


def test_a_directory_that_others_may_write_is_refused(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(ImproperlyConfigured, match="this user alone"):
        places.private(tmp_path)


def test_a_link_is_refused(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(ImproperlyConfigured, match="this user alone"):
        places.private(tmp_path / "link")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make another user's directory")
def test_another_user_s_directory_is_refused(tmp_path):
    os.chown(tmp_path, 12345, 12345)
    with pytest.raises(ImproperlyConfigured, match="this user alone"):
        places.private(tmp_path)


def test_a_path_that_cannot_be_made_is_said_in_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match="cannot make this directory"):
        places.private(tmp_path / "file" / "below")
