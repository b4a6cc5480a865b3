"""Traffic is moved, and its exit code told, whatever becomes of what is said about it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest

from canaryctl.core.weight import Weight
from canaryctl.ports import Mark
from tests.e2e.harness import Tool
from tests.e2e.local_world import LocalWorld

FULL = "canaryctl: stdout cannot be written: No space left on device\n"
CLOSED = "canaryctl: stdout cannot be written: Bad file descriptor\n"


@pytest.mark.parametrize(
    ("lost", "said"),
    [(">/dev/full", FULL), (">&-", CLOSED), ("| true", ""), (">/dev/full 2>&1", "")],
)
@pytest.mark.parametrize(
    "verb", ["weights set 0", "rollback", "rollback --output json", "recover --force"]
)
def test_all_traffic_goes_to_stable(
    local: LocalWorld, tool: Tool, verb: str, lost: str, said: str
) -> None:
    mark = Mark("v0.2.0", "abandoned" if "recover" in verb else "", reason="the test")
    local.build().router.set(Weight.parse(50), mark, None)
    argv = [sys.executable, "-m", "canaryctl", "--config", str(local.config()), *verb.split()]
    ended = subprocess.run(
        ["bash", "-c", f"{shlex.join(argv)} {lost}; exit ${{PIPESTATUS[0]}}"],
        env=os.environ | {"CANARYCTL_STATE_DIR": str(tool.state)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert local.in_force()["weight"] == "0"
    assert (ended.returncode, ended.stderr) == (0, said)
