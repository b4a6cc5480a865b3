"""The guard of a rollout as the process that it is: what its life line tells it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from canaryctl.config import loads
from canaryctl.core.errors import HostError
from canaryctl.core.lease import Lease, OnAbandon
from canaryctl.core.notice import Channel, Occasion
from canaryctl.core.redaction import MASK, SECRETS
from canaryctl.core.weight import Weight
from canaryctl.drivers.template import header
from canaryctl.guarding.notices import channels, channels_json
from canaryctl.guarding.process import ALIVE, DONE, LEAVING, READY, spec_of
from canaryctl.guarding.start import GuardProcess
from canaryctl.ports import Mark
from canaryctl.wiring import Build
from tests.fake_world import FakeClock
from tests.sink import sink

WITHIN = 30.0
LEASE = Lease("r1", "me@here:1", "v1", 3600.0, doing="stage 1", on_abandon=OnAbandon.HOLD)


@pytest.fixture
def build(tmp_path: Path, nginx_binary: Path) -> Build:
    """A gateway whose NGINX does not run; whoever wants to hold needs no more."""
    (tmp_path / "nginx.conf").write_text(f"events {{}} http {{ include {tmp_path}/up*.conf; }}")
    text = f"""
service: shop
versions:
  stable: {{address: "127.0.0.1:1"}}
  canary: {{address: "127.0.0.1:2"}}
gateway:
  driver: local
  binary: {nginx_binary}
  prefix: {tmp_path}
  main: {tmp_path}/nginx.conf
  pid_file: {tmp_path}/nginx.pid
  config: {tmp_path}/up.conf
  verify: http://127.0.0.1:1
  on_abandon: hold
"""
    found = Build(loads(text, "the test", {}), tmp_path)
    found.lease.take(LEASE)
    return found


class Guard:
    """A guard under way."""

    def __init__(self, line: bytes, stderr: int = subprocess.PIPE) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "canaryctl.guarding.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        self.write(line + b"\n")

    def write(self, what: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(what)
        self.process.stdin.flush()

    def ready(self) -> None:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], WITHIN)[0], "not ready"
        assert os.read(self.process.stdout.fileno(), 100) == READY

    def end(self) -> tuple[int, str]:
        """Cut its life line, and give its exit code and what it said."""
        _, said = self.process.communicate(timeout=WITHIN)
        return self.process.returncode, said.decode()


@pytest.fixture
def guards() -> Iterator[list[Guard]]:
    """Those that were started; ended with the test."""
    started: list[Guard] = []
    yield started
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def spec(build: Build, **more: Any) -> bytes:
    return json.dumps(spec_of(build, "r1") | more).encode()


def test_the_end_of_its_life_line_is_the_death_of_the_rollout(
    build: Build, guards: list[Guard]
) -> None:
    guards.append(guard := Guard(spec(build)))
    guard.ready()
    guard.write(ALIVE)
    code, said = guard.end()
    assert code == 0
    assert "rollout r1 of me@here:1 (v1, stage 1) is abandoned: its process died" in said
    assert build.lease.look().lease == LEASE


def test_once_it_was_told_that_all_is_well_it_does_nothing(
    build: Build, guards: list[Guard]
) -> None:
    guards.append(guard := Guard(spec(build)))
    guard.ready()
    guard.write(ALIVE + ALIVE + DONE)
    assert guard.end() == (0, "")


def test_one_that_dies_while_it_gives_its_lease_back_had_ended(
    build: Build, guards: list[Guard]
) -> None:
    build.lease.give_back()
    # Without the word it would ask this NGINX, which does not run, again and again.
    first = header(Weight.FULL, "6-a", Mark("v1", "r1", LEASE.owner, "stage 4 of 4", "4"), "")
    Path(build.config.gateway.config).write_text(f"{first}\n")
    guards.append(guard := Guard(spec(build)))
    guard.ready()
    guard.write(ALIVE + LEAVING)
    assert guard.end() == (0, "")


def test_a_silence_of_a_whole_lease_is_a_death_too(build: Build, guards: list[Guard]) -> None:
    guards.append(guard := Guard(spec(build, lease=0.2)))
    assert guard.process.wait(WITHIN) == 0  # its life line is still there
    _, said = guard.end()
    assert "it gave no sign of life for 0.2 s" in said


def test_a_silence_is_no_death_any_more_once_something_is_heard(
    build: Build, guards: list[Guard]
) -> None:
    config = Path(build.config.gateway.config)
    build.lease.give_back()
    # No lease, and weights that are the rollout's: what is looked at when it seems to be dead.
    first = header(Weight.FULL, "6-a", Mark("v1", "r1", LEASE.owner, "stage 4 of 4", "4"), "")
    config.write_text(f"{first}\n")
    guards.append(guard := Guard(spec(build, lease=0.2)))
    assert guard.process.stderr is not None
    said = guard.process.stderr.readline()
    assert b"does not answer" in said  # it was silent for too long; NGINX does not run
    guard.write(ALIVE + LEAVING + DONE)
    code, rest = guard.end()
    assert (code, rest) == (0, "")


def test_a_reader_that_hangs_does_not_hold_it_up(build: Build, guards: list[Guard]) -> None:
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writes, bytes(65536))
    os.set_blocking(writes, True)  # it belongs to the pipe's end, which the guard gets
    guards.append(guard := Guard(spec(build), stderr=writes))
    guard.ready()
    guard.process.communicate(timeout=WITHIN)
    assert guard.process.returncode == 0
    os.close(reads)
    os.close(writes)


def test_a_gateway_that_is_another_ones_by_now_is_left_alone(
    build: Build, guards: list[Guard]
) -> None:
    build.lease.give_back()
    build.lease.take(replace(LEASE, rollout="r2"))
    guards.append(guard := Guard(spec(build)))
    guard.ready()
    assert guard.end() == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_do_not_end_it(build: Build, guards: list[Guard], number: signal.Signals) -> None:
    guards.append(guard := Guard(spec(build)))
    guard.ready()
    guard.process.send_signal(number)
    guard.write(ALIVE)
    code, said = guard.end()
    assert (code, "its process died" in said) == (0, True)


@pytest.mark.parametrize(
    "line", [b"", b"garbage", b"[]", b"{}", b'{"config": {}}', b"\xff\xfe", b"[" * 100_000]
)
def test_who_tells_it_nothing_sensible_is_told_so(guards: list[Guard], line: bytes) -> None:
    guards.append(guard := Guard(line))
    code, said = guard.end()
    assert code == 2
    assert "canaryctl guard: it was not told whom to guard" in said
    assert "Traceback" not in said


def test_its_configuration_holds_no_secret_and_channels_stand_beside_it(build: Build) -> None:
    assert set(spec_of(build, "r1")["config"]) == {"service", "versions", "gateway"}
    assert spec_of(build, "r1")["channels"] == []
    told = [Channel("team", "slack://TokenAAA1/TokenBBB2", frozenset({Occasion.ABANDONED}))]
    assert list(channels(json.loads(json.dumps(channels_json(told))))) == told
    assert SECRETS.hide("TokenBBB2") == MASK


def test_channels_are_told_once_all_is_done(build: Build, guards: list[Guard]) -> None:
    with sink() as there:
        told = channels_json([Channel("team", there.channel)])
        guards.append(guard := Guard(spec(build, channels=told)))
        guard.ready()
        code, said = guard.end()
    assert (code, "is abandoned: its process died" in said) == (0, True)
    assert there.titles() == ["shop: a rollout was abandoned"]
    assert "its weights stay" in there.told[0].body["message"]
    assert "sink-password" not in said


# --- the side of the rollout ----------------------------------------------------------------


def test_a_rollout_waits_for_its_guard_and_replaces_it_when_it_is_gone(build: Build) -> None:
    clock = FakeClock()
    guard = GuardProcess(spec_of(build, "r1"), clock)
    guard.start()
    try:
        guard.ready()
        first = guard.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
        clock.sleep(2)
        guard.beat()
        second = guard.pid
        assert second not in (None, first)
        guard.ready()
        clock.sleep(2)
        guard.beat()
        assert guard.pid == second
    finally:
        guard.done()
    assert guard.pid is not None
    assert not Path(f"/proc/{guard.pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_do_not_end_it_while_it_starts_either(build: Build, number: signal.Signals) -> None:
    guard = GuardProcess(spec_of(build, "r1"), FakeClock())
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    guard.start()
    try:
        assert guard.pid is not None
        os.kill(guard.pid, number)
        guard.ready()
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    finally:
        guard.done()


def test_without_a_guard_nothing_begins() -> None:
    guard = GuardProcess({"config": None}, FakeClock())
    guard.start()
    with pytest.raises(HostError, match="did not start"):
        guard.ready()
    guard.done()


def test_a_machine_without_processes_is_said_in_words(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    guard = GuardProcess(spec_of(build, "r1"), clock)
    guard.start()
    guard.ready()
    pid = guard.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    clock.sleep(2)
    guard.beat()  # noted, and tried again
    with pytest.raises(HostError, match="cannot be started"):
        guard.start()
    monkeypatch.undo()
    clock.sleep(2)
    guard.beat()
    guard.ready()
    guard.done()


def test_a_guard_says_once_that_it_is_ready_and_another_one_anew(build: Build) -> None:
    guard = GuardProcess(spec_of(build, "r1"), build.clock)
    guard.start()
    try:
        guard.ready()
        first = guard.pid
        guard.ready()  # a gateway that is taken a second time
        assert guard.pid == first
        guard.done()
        guard.ready()
        assert guard.pid != first
    finally:
        guard.done()
