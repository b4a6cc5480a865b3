"""Helper processes: nothing is left, whatever happens to whom."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from canaryctl.core.errors import HostError
from canaryctl.demo.processes import Child, free_ports
from canaryctl.drivers.clock import SystemClock

CLOCK = SystemClock()
SLEEPER = "import signal; print('up', flush=True); signal.pause()"
# A master with a worker that both ignore SIGTERM, as a program that hangs does.
STUBBORN = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
worker = os.fork()
if worker:
    print(worker, flush=True)
while True:
    signal.pause()
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody has reaped yet has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def wait_until_gone(pids: Iterable[int], within: float = 10) -> None:
    deadline = CLOCK.now() + within
    for pid in pids:
        while not is_gone(pid):
            assert CLOCK.now() < deadline, f"process {pid} is still there"
            CLOCK.sleep(0.02)


def first_line(child: Child) -> str:
    deadline = CLOCK.now() + 10
    while not (text := child.log.read_text()).endswith("\n"):
        assert CLOCK.now() < deadline, f"{child.name} printed nothing"
        CLOCK.sleep(0.02)
    return text.splitlines()[0]


def test_runs_logs_and_ends(tmp_path: Path) -> None:
    with Child("sleeper", python(SLEEPER), log_dir=tmp_path, clock=CLOCK) as child:
        assert first_line(child) == "up"
        assert child.exit_code is None
        assert os.getpgid(child.pid) != os.getpgid(0)
        pid = child.pid
    assert is_gone(pid)
    assert child.exit_code == 128 + signal.SIGTERM


def test_is_ended_when_the_block_raises(tmp_path: Path) -> None:
    child = Child("sleeper", python(SLEEPER), log_dir=tmp_path, clock=CLOCK)
    with pytest.raises(ZeroDivisionError), child:
        1 / 0  # noqa: B018
    assert is_gone(child.pid)


def test_one_that_ignores_sigterm_is_killed_with_its_workers(tmp_path: Path) -> None:
    with Child("stubborn", python(STUBBORN), log_dir=tmp_path, clock=CLOCK) as child:
        worker = int(first_line(child))
        assert not is_gone(worker)
    wait_until_gone([child.pid, worker])


def test_kill_9_of_whoever_started_it_leaves_nothing(tmp_path: Path) -> None:
    starter = f"""
import signal
from pathlib import Path
from canaryctl.demo.processes import Child
from canaryctl.drivers.clock import SystemClock
with Child("x", {python(STUBBORN)!r}, log_dir=Path({str(tmp_path)!r}), clock=SystemClock()) as c:
    print(c.pid, flush=True)
    signal.pause()
"""
    with subprocess.Popen(python(starter), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        probe = Child("x", [], log_dir=tmp_path, clock=CLOCK)
        worker = int(first_line(probe))
        assert not is_gone(pid)
        parent.kill()
    wait_until_gone([pid, worker])


def test_a_guard_that_hangs_does_not_keep_the_program(tmp_path: Path) -> None:
    with Child("sleeper", python(SLEEPER), log_dir=tmp_path, clock=CLOCK) as child:
        first_line(child)
        guard = int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(guard, signal.SIGSTOP)
    wait_until_gone([child.pid, guard])


def test_waits_for_a_port_and_for_a_url(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    argv = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    with Child("files", argv, log_dir=tmp_path, clock=CLOCK) as child:
        child.wait_for_port(port, within=15)
        child.wait_for_url(f"http://127.0.0.1:{port}/", within=15)
        assert not is_gone(child.pid)


def test_a_program_that_ends_early_is_reported_with_its_words(tmp_path: Path) -> None:
    code = "import sys; sys.exit('the port is taken')"
    with (
        Child("app", python(code), log_dir=tmp_path, clock=CLOCK) as child,
        pytest.raises(HostError, match=r"app ended with code 1 .*the port is taken"),
    ):
        child.wait_for_port(free_ports(1)[0], within=15)


def test_a_program_that_does_not_answer_is_reported_in_time(tmp_path: Path) -> None:
    with (
        Child("app", python(SLEEPER), log_dir=tmp_path, clock=CLOCK) as child,
        pytest.raises(HostError, match=r"app did not answer on http://.* within 0\.3 s"),
    ):
        child.wait_for_url(f"http://127.0.0.1:{free_ports(1)[0]}/", within=0.3)


def test_a_program_that_does_not_exist(tmp_path: Path) -> None:
    child = Child("app", [str(tmp_path / "missing")], log_dir=tmp_path, clock=CLOCK)
    with pytest.raises(HostError, match=r"app cannot be started: .*No such file"), child:
        pytest.fail("it was entered")


def test_free_ports_differ_and_nobody_else_is_given_them() -> None:
    ports = set(free_ports(20))
    assert len(ports) == 20
    others = set()
    for _ in range(20_000):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            others.add(other.getsockname()[1])
    assert len(others) > 5_000  # most of those that there are
    assert not ports & others
    for port in ports:
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", port))
            server.listen()
