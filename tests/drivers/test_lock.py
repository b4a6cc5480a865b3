"""Locks between processes: one rollout a gateway, one change at a time, nothing left over."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.lock import WRITING_PATIENCE, Locks

# The other process: takes a lock, says so, and waits for a line before it ends.
_OTHER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from canaryctl.drivers.clock import SystemClock
    from canaryctl.drivers.lock import Locks
    locks = Locks(sys.argv[1], SystemClock(), Path(sys.argv[2]))
    with getattr(locks, sys.argv[3])() as turn:
        print(turn.mine if turn else "held", flush=True)
        sys.stdin.readline()
""")

_AS_NOBODY = textwrap.dedent("""
    import os, sys
    from pathlib import Path
    from canaryctl.drivers.clock import SystemClock
    from canaryctl.drivers.lock import Locks
    os.setgid(65534)
    os.setuid(65534)
    with Locks(sys.argv[1], SystemClock(), Path(sys.argv[2])).rollout():
        pass
""")


class Other:
    def __init__(self, locks: Locks, kind: str) -> None:
        argv = [sys.executable, "-c", _OTHER, locks.identity, str(locks.directory), kind]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()

    def ends(self) -> None:
        self.process.communicate("\n", timeout=10)
        assert self.process.returncode == 0

    def killed(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=10)


class CountingClock:
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def locks(tmp_path: Path) -> Locks:
    return Locks("gateway one", SystemClock(), tmp_path / "locks")


@pytest.fixture
def other(locks: Locks, request: pytest.FixtureRequest) -> Iterator[Other]:
    running = Other(locks, getattr(request, "param", "writing"))
    yield running
    if running.process.poll() is None:
        running.killed()


@pytest.mark.parametrize("other", ["writing"], indirect=True)
def test_a_change_waits_for_its_turn_but_not_for_ever(locks: Locks, other: Other) -> None:
    clock = CountingClock()
    impatient = Locks(locks.identity, clock, locks.directory)
    with impatient.writing() as turn:
        assert WRITING_PATIENCE <= clock.time < WRITING_PATIENCE + 0.1
        assert turn.left == (other.said,)
        assert turn.mine != other.said
    other.ends()


@pytest.mark.parametrize("other", ["writing"], indirect=True)
def test_a_change_goes_on_as_soon_as_it_is_its_turn(locks: Locks, other: Other) -> None:
    class Ending(CountingClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if other.process.poll() is None:
                other.ends()

    clock = Ending()
    with Locks(locks.identity, clock, locks.directory).writing() as turn:
        assert clock.time < 0.1
        assert turn.left == ()


@pytest.mark.parametrize("other", ["writing"], indirect=True)
def test_what_a_killed_change_staged_is_known_to_the_next(locks: Locks, other: Other) -> None:
    other.killed()
    with locks.writing() as turn:
        assert turn.left == (other.said,)
    with locks.writing() as turn:
        assert turn.left == ()


def test_what_nobody_took_away_yet_is_still_known(locks: Locks) -> None:
    """A process may be killed after it has read what another one left."""
    suffixes = []
    for _ in range(2):
        running = Other(locks, "writing")
        suffixes.append(running.said)
        running.killed()
    with contextlib.suppress(KeyError), locks.writing() as turn:
        suffixes.append(turn.mine)
        raise KeyError
    with locks.writing() as turn:
        assert turn.left == tuple(reversed(suffixes))


def test_what_is_no_name_is_not_taken_for_one(locks: Locks) -> None:
    with locks.writing():
        pass
    (locks.directory / f"{locks.token}.writing").write_text("../../../etc 12345g abcdef0 \0 é")
    with locks.writing() as turn:
        assert turn.left == ()


def test_where_no_lock_can_be_had_nothing_is_blocked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nowhere = Locks("one", SystemClock(), tmp_path / "file/locks")
    with nowhere.writing() as turn:
        assert turn.left == ()


def test_a_link_in_the_place_of_a_lock_is_not_followed(locks: Locks, tmp_path: Path) -> None:
    locks.directory.mkdir()
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (locks.directory / f"{locks.token}.writing").symlink_to(precious)
    with locks.writing():
        pass
    assert precious.read_text() == "mine"


def test_every_user_of_the_machine_may_open_it(locks: Locks) -> None:
    before = os.umask(0o077)
    try:
        with locks.writing():
            pass
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in locks.directory.iterdir()}
    assert modes == {0o666}
    assert locks.directory.stat().st_mode & 0o7777 == 0o1777


def test_a_link_in_the_place_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o700)
    locks = Locks("one", SystemClock(), tmp_path / "locks")
    locks.directory.symlink_to(precious)
    with locks.writing():
        pass
    assert stat.S_IMODE(precious.stat().st_mode) == 0o700
    assert list(precious.iterdir()) == []


def test_a_file_that_has_another_name_is_not_emptied(locks: Locks, tmp_path: Path) -> None:
    locks.directory.mkdir()
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (locks.directory / f"{locks.token}.writing").hardlink_to(precious)
    with locks.writing():
        pass
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("kind", ["pipe", "directory", "unreadable"])
def test_what_somebody_else_put_in_a_locks_place_fails_nothing(locks: Locks, kind: str) -> None:
    locks.directory.mkdir()
    for name in (f"{locks.token}.writing",):
        path = locks.directory / name
        match kind:
            case "pipe":
                os.mkfifo(path)
            case "directory":
                path.mkdir()
            case _:
                path.write_bytes(b"\xff\0" * 4000)
    with locks.writing() as turn:
        assert turn.left == ()


def test_the_files_hold_who_and_nothing_of_the_configuration(locks: Locks) -> None:
    with locks.writing() as turn:
        held = {path.name: path.read_text() for path in locks.directory.iterdir()}
    assert held == {
        f"{locks.token}.writing": turn.mine,
    }
