"""Runs of Compose: bounded, with their last words, and never two at once, whoever was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from canaryctl.core.errors import HostError
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.compose import ComposeProject
from canaryctl.drivers.compose_run import ComposeRuns
from canaryctl.drivers.lock import SHARED, Locks

_SCRIPT = """\
#!/bin/sh
echo "begin $*" >> {log}
echo "VERSION is $VERSION"
case "$*" in
  *fail*) echo "no such image" >&2; exit 7 ;;
  *slow*) sleep 1 ;;
  *endless*) sleep 60 ;;
esac
echo end >> {log}
"""


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Callable[..., ComposeRuns]]:
    script, log = tmp_path / "compose", tmp_path / "log"
    script.write_text(_SCRIPT.format(log=log))
    script.chmod(0o755)
    name = f"test-{uuid.uuid4().hex[:8]}"
    env = tmp_path / ".env"
    project = ComposeProject((str(script),), name, (tmp_path / "a.yml",), env, ("workers",))

    def made(within: float = 20.0) -> ComposeRuns:
        return ComposeRuns(project, SystemClock(), within)

    yield made
    token = Locks(f"compose  {name}", SystemClock()).token
    (SHARED / f"{token}.compose").unlink(missing_ok=True)


def logged(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text().splitlines()


def test_it_is_told_the_project_and_the_version(
    runs: Callable[..., ComposeRuns], tmp_path: Path
) -> None:
    out = runs()("up", "-d", env={"VERSION": "v0.2.0"})
    assert out == "VERSION is v0.2.0\n"
    name = runs().project.name
    told = f"--project-name {name} --file {tmp_path}/a.yml --profile workers up -d"
    assert logged(tmp_path) == [f"begin {told}", "end"]
    (tmp_path / ".env").touch()  # one that is there is named
    assert f"--env-file {tmp_path}/.env" in " ".join(runs().project.argv("ps"))


def test_what_it_said_last_is_in_the_message(runs: Callable[..., ComposeRuns]) -> None:
    with pytest.raises(HostError, match=r"fail` of project .* ended with code 7: .*no such image"):
        runs()("fail")


def test_its_time_is_bounded(runs: Callable[..., ComposeRuns]) -> None:
    with pytest.raises(HostError, match=r"took longer than 0\.3 s"):
        runs(0.3)("endless")


def test_whoever_stops_it_is_obeyed(runs: Callable[..., ComposeRuns]) -> None:
    with pytest.raises(HostError, match="was stopped"):
        runs()("endless", tick=lambda: "Ctrl-C")


def test_one_that_a_killed_process_left_behind_is_waited_for(
    runs: Callable[..., ComposeRuns], tmp_path: Path
) -> None:
    project = runs().project
    code = f"""
from pathlib import Path
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.compose import ComposeProject
from canaryctl.drivers.compose_run import ComposeRuns
project = ComposeProject({project.command!r}, {project.name!r}, ())
ComposeRuns(project, SystemClock(), 20.0)("slow")
"""
    killed = subprocess.Popen([sys.executable, "-c", code])
    try:
        deadline = SystemClock().now() + 20
        while not (tmp_path / "log").exists():
            assert SystemClock().now() < deadline
            SystemClock().sleep(0.01)
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    runs()("up")
    begun = [line.split()[0] for line in logged(tmp_path)]
    assert begun == ["begin", "end", "begin", "end"]  # never two at once
