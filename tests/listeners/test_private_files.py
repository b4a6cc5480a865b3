"""What is kept on disk is its owner's alone, from the first byte, whatever the umask is."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from canaryctl.core.commands import Command, RunPreflight
from canaryctl.core.events import Crashed, Started
from canaryctl.core.plan import Plan, Stage
from canaryctl.core.redaction import SECRETS
from canaryctl.core.state import State
from canaryctl.core.weight import Weight
from canaryctl.listeners.journal import About, Journal
from canaryctl.listeners.journal_file import NAME, move_aside, open_to_write

PLAN = Plan((Stage(Weight.FULL, 60.0),), interval=10.0)
SECRET = "hunter2hunter2"  # noqa: S105


@pytest.fixture(autouse=True)
def _no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def _secret() -> Iterator[None]:
    SECRETS.know([SECRET])
    yield
    SECRETS.know([])


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_every_directory_and_file_of_the_journal(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    state = tmp_path / "home" / "state" / "canaryctl"
    connection = open_to_write(state)
    connection.execute("INSERT INTO acts VALUES (1, 0, '', '', '', '', '', '')")
    for made in (state, state.parent, state.parent.parent):
        assert mode(made) == "0o700", made
    assert mode(tmp_path) == "0o755"  # was there: somebody's choice
    names = {f"{NAME}{suffix}" for suffix in ("", "-wal", "-shm")}
    assert {path.name for path in state.iterdir()} == names
    assert {mode(path) for path in state.iterdir()} == {"0o600"}
    connection.close()
    aside = move_aside(state, (state / NAME).stat().st_ino)
    assert aside is not None
    assert mode(aside) == "0o600"


def test_what_was_open_to_others_is_closed(tmp_path: Path) -> None:
    first = open_to_write(tmp_path)
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    open_to_write(tmp_path).close()
    assert {mode(path) for path in tmp_path.iterdir()} == {"0o600"}
    first.close()


@pytest.mark.usefixtures("_secret")
def test_the_journal_holds_no_secret(tmp_path: Path) -> None:
    journal = Journal(About("r1", "shop", "gw", "v2", "a@b:1", "0" * 64), tmp_path)
    steps: list[tuple[Started | Crashed, Command | None]] = [
        (Started(1.0), RunPreflight()),
        (Crashed(2.0, f"RuntimeError: http://ops:{SECRET}@host and {SECRET}"), None),
    ]
    for event, command in steps:
        journal.heard(event, State(PLAN), command)
    journal.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"RuntimeError: http://ops:***@host and ***" in kept
    assert SECRET.encode() not in kept
