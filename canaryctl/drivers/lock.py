"""The lock of this machine for a gateway: one change at a time.

Who leads a rollout is not decided here but at the gateway itself, by its lease.

The kernel gives a lock back when its process ends, however it ends, so none can be left over.
The directory is shared by all users of the machine; what is in the files is only shown, or is
the name of a staged file. So what stands there may be anybody's: no link is followed, only plain
files of one name are opened, and whatever else is found there means no lock, never an error.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from canaryctl.ports import Clock

WRITING_PATIENCE = 3.0
"""Seconds to wait for another process' change; then go on, for a rollback may not be blocked."""
SHARED = Path("/tmp/canaryctl-locks")  # noqa: S108  not $TMPDIR, which differs between users
_POLL = 0.02
_SUFFIX = re.compile(r"\b[0-9a-f]{6}\b")
_MOST_LEFT = 8


@dataclass(slots=True)
class Turn:
    """One process' turn at changing the gateway.

    Attributes:
        mine: part of the names of what this change stages; no other change has it.
        left: the same of changes that were not finished. One may still be under way: what an
            engine was told goes on when the teller is killed.
        clean: what was staged is gone. False: the next turn takes it away.
    """

    mine: str
    left: tuple[str, ...] = ()
    clean: bool = True


@dataclass(frozen=True, slots=True)
class Locks:
    """The lock of one gateway.

    Attributes:
        identity: what names the gateway on this machine, the same from every process.
        directory: where the lock files are, the same for every process.
    """

    identity: str
    clock: Clock
    directory: Path = SHARED

    @property
    def token(self) -> str:
        """A short name made from the identity, safe in a path."""
        return hashlib.sha256(self.identity.encode()).hexdigest()[:12]

    @property
    def path(self) -> Path:
        """The file that is locked."""
        return self.directory / f"{self.token}.writing"

    @contextlib.contextmanager
    def writing(self) -> Iterator[Turn]:
        """Take a turn at changing the gateway; after ``WRITING_PATIENCE`` without one, anyway."""
        mine = secrets.token_hex(3)
        held = self._open("writing")
        if held is None:
            yield Turn(mine)
            return
        try:
            deadline = self.clock.now() + WRITING_PATIENCE
            while not (taken := _locked(held)) and self.clock.now() < deadline:
                self.clock.sleep(_POLL)
            left = _SUFFIX.findall(os.pread(held, 500, 0).decode("ascii", "replace"))[:_MOST_LEFT]
            if taken:
                with contextlib.suppress(OSError):  # a full disk
                    os.ftruncate(held, os.pwrite(held, " ".join([mine, *left]).encode(), 0))
            turn = Turn(mine, tuple(left))
            yield turn
            # Not after an error: then something may be left, or still under way.
            if taken and turn.clean:
                with contextlib.suppress(OSError):
                    os.ftruncate(held, 0)
        finally:
            os.close(held)

    def descriptor(self, kind: str) -> int | None:
        """Open a lock file for whoever hands it on to a program; None: none can be had.

        The caller closes it. A program that got it holds what was locked as long as it lives.
        """
        return self._open(kind)

    def _open(self, kind: str) -> int | None:
        """Open a lock file; None where none can be had (then nothing is locked)."""
        name = f"{self.token}.{kind}"
        try:
            at = self._opened()
        except OSError:
            return None
        try:
            return _plain(name, at)
        except OSError:
            return None
        finally:
            os.close(at)

    def _opened(self) -> int:
        """Open the directory itself, never one that a link of this name leads to."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        with contextlib.suppress(FileExistsError):
            self.directory.mkdir()
        at = os.open(self.directory, flags)
        with contextlib.suppress(OSError):
            if os.fstat(at).st_uid == os.geteuid():
                os.fchmod(at, 0o1777)
        return at


def _plain(name: str, at: int) -> int | None:
    """Open a lock file; None when something else has its name, such as a pipe."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        # Without O_CREAT: with it, Linux (protected_regular) refuses to open another
        # user's file in a directory that all may write to.
        descriptor = os.open(name, flags, dir_fd=at)
    except FileNotFoundError:
        descriptor = os.open(name, flags | os.O_CREAT, 0o666, dir_fd=at)
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, 0o666)
    found = os.fstat(descriptor)
    # A second name could be that of a file that matters: it would be emptied.
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        return descriptor
    os.close(descriptor)
    return None


def _written_in(held: int) -> str:
    """Give what the holder wrote; anybody may have, so nothing that moves a terminal's cursor."""
    said = os.pread(held, 300, 0).decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in said).split()) or (
        "another process"
    )


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
