"""Locks between processes: one rollout a gateway, one change at a time, nothing left over."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from canaryctl.core.errors import GatewayHeld
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.lock import WRITING_PATIENCE, Locks

# The other process: takes a lock, says so, and waits for a line before it ends.
_OTHER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from canaryctl.drivers.clock import SystemClock
    from canaryctl.drivers.lock import Locks
    locks = Locks(sys.argv[1], "anna@there:42", SystemClock(), Path(sys.argv[2]))
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
    with Locks(sys.argv[1], "nobody", SystemClock(), Path(sys.argv[2])).rollout():
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
    return Locks("gateway one", "ben@here:7", SystemClock(), tmp_path / "locks")


@pytest.fixture
def other(locks: Locks, request: pytest.FixtureRequest) -> Iterator[Other]:
    running = Other(locks, getattr(request, "param", "rollout"))
    yield running
    if running.process.poll() is None:
        running.killed()


def test_the_second_rollout_is_told_who_holds_the_gateway(locks: Locks, other: Other) -> None:
    assert other.said == "held"
    with pytest.raises(GatewayHeld, match="anna@there:42") as caught, locks.rollout():
        pytest.fail("entered")
    assert caught.value.exit_code == 5
    assert "canaryctl rollback" in caught.value.next_step
    assert locks.holder() == "anna@there:42"


def test_it_is_free_when_the_first_one_ends(locks: Locks, other: Other) -> None:
    other.ends()
    assert locks.holder() is None
    with locks.rollout():
        assert locks.holder() == "ben@here:7"
    assert locks.holder() is None


def test_it_is_free_when_the_first_one_is_killed(locks: Locks, other: Other) -> None:
    other.killed()
    assert locks.holder() is None
    with locks.rollout():
        pass


def test_another_gateway_is_another_lock(locks: Locks, other: Other) -> None:
    assert other.said == "held"
    with Locks("gateway two", "ben", SystemClock(), locks.directory).rollout():
        assert locks.holder() == "anna@there:42"


@pytest.mark.parametrize("other", ["writing"], indirect=True)
def test_a_change_waits_for_its_turn_but_not_for_ever(locks: Locks, other: Other) -> None:
    clock = CountingClock()
    impatient = Locks(locks.identity, locks.owner, clock, locks.directory)
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
    with Locks(locks.identity, locks.owner, clock, locks.directory).writing() as turn:
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


def test_a_rollout_changes_weights_while_it_holds_the_gateway(locks: Locks) -> None:
    clock = CountingClock()
    mine = Locks(locks.identity, locks.owner, clock, locks.directory)
    with mine.rollout(), mine.writing():
        assert clock.time == 0


def test_where_no_lock_can_be_had_nothing_is_blocked(locks: Locks, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nowhere = Locks("one", "ben", SystemClock(), tmp_path / "file/locks")
    with nowhere.rollout(), nowhere.rollout(), nowhere.writing() as turn:
        assert nowhere.holder() is None
        assert turn.left == ()
    assert locks.holder() is None


def test_a_link_in_the_place_of_a_lock_is_not_followed(locks: Locks, tmp_path: Path) -> None:
    locks.directory.mkdir()
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (locks.directory / f"{locks.token}.rollout").symlink_to(precious)
    with locks.rollout():
        pass
    assert precious.read_text() == "mine"


def test_every_user_of_the_machine_may_open_it(locks: Locks) -> None:
    before = os.umask(0o077)
    try:
        with locks.rollout(), locks.writing():
            pass
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in locks.directory.iterdir()}
    assert modes == {0o666}
    assert locks.directory.stat().st_mode & 0o7777 == 0o1777


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_told_too() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shared = Path(folder) / "locks"
        locks = Locks("gateway one", "ben@here:7", SystemClock(), shared)
        with locks.rollout():
            argv = [sys.executable, "-c", _AS_NOBODY, locks.identity, str(shared)]
            ended = subprocess.run(argv, stderr=subprocess.PIPE, text=True, timeout=10, check=False)
        assert "GatewayHeld: another rollout holds this gateway: ben@here:7" in ended.stderr
