"""The whole console: what is done on its pages reaches the file outside, and the trail is whole."""

import json
import time

from tests.stack import running


def test_what_is_done_reaches_the_file_within_seconds(tmp_path):
    file = tmp_path / "audit.jsonl"
    with running(PILOTHOUSE_AUDIT_FILE=str(file)) as stack:
        browser = stack.browser().login()
        browser.submit("/audit/export.csv?q=nothing", form="/audit/")
        deadline = time.monotonic() + 30
        while not file.exists() or "audit.export" not in file.read_text():
            assert time.monotonic() < deadline, stack.log.read_text()[-2000:]
            time.sleep(0.1)
        acts = [json.loads(line)["act"] for line in file.read_text().splitlines()]
        assert acts.index("user.create") < acts.index("login") < acts.index("audit.export")
        assert "Whole: " in stack.manage("audit", "verify")
        told = [json.loads(line) for line in stack.manage("audit", "export").splitlines()]
        assert [each["seq"] for each in told] == list(range(1, len(told) + 1))
