"""Where one change lies until it is in force: its staged file, and the copies it is tested with."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from canaryctl.drivers.lock import Turn
from canaryctl.drivers.nginx_files import Trial, trial
from canaryctl.ports import (
    Absent,
    Expect,
    Lock,
    Performed,
    Reload,
    Remove,
    Run,
    Step,
    Swap,
    Unlock,
    Write,
)

LOCK = ".lock"
"""What the lock of a gateway is called, after canaryctl's file there."""
LOCK_PATIENCE = 2.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One change's files. No other change has files of these names.

    Attributes:
        live: absolute path of canaryctl's file.
        staged: its next text, beside it. The name begins with a dot: no glob includes it.
        trial: the configuration in which ``staged`` stands for ``live``.
        left: staged files of changes that were not finished. They are removed before anything
            else, so that one still under way cannot come into force after this one.
    """

    live: str
    staged: str
    trial: Trial
    left: tuple[str, ...]

    def written(self, text: str) -> list[Step]:
        """Write ``text`` and have NGINX test it, in a place where it is not in force."""
        return [
            *(Remove(path) for path in self.left),
            Write(self.staged, text),
            *(Write(path, content) for path, content in self.trial.files.items()),
            Run(("-t", "-q", "-c", self.trial.main)),
        ]

    def change(self, text: str, before: str | None) -> list[Step]:
        """Do all of a change: write, test, make sure of ``before``, swap, reload."""
        fence = Absent(self.live) if before is None else Expect(self.live, before)
        # Looking and swapping are one act for every machine. It is short, so who waited in vain
        # has met somebody who hangs in it: a rollback goes on.
        lock = Lock(self.live + LOCK, LOCK_PATIENCE, needed=False)
        swap = Swap(self.staged, self.live)
        return [*self.written(text), lock, fence, swap, Unlock(), Reload(), *self.cleaned()]

    def cleaned(self) -> list[Step]:
        """Leave nothing behind."""
        return [Remove(path) for path in (self.staged, *self.trial.files)]


def stage(files: Mapping[str, str], live: str, token: str, turn: Turn) -> Stage:
    """Choose the paths of one change.

    Args:
        files: NGINX's configuration, as ``nginx_files.dumped`` gave it.
        live: absolute path of canaryctl's file.
        token: of this machine and gateway.
        turn: tells the names of this change and of unfinished ones.

    Raises:
        NotIncluded: nothing includes ``live``.
    """
    mine = f"{token}-{turn.mine}"
    staged = _staged(live, mine)
    left: list[str] = []
    for suffix in turn.left:
        name = f"{token}-{suffix}"
        left += [_staged(live, name), *trial(files, live, _staged(live, name), name).files]
    return Stage(live, staged, trial(files, live, staged, mine), tuple(left))


def _staged(live: str, token: str) -> str:
    return posixpath.join(posixpath.dirname(live), f".canaryctl-{token}.conf")


def failed(steps: list[Step], done: Performed) -> Step | None:
    """Give the step that did not succeed, None when all did."""
    return steps[done.completed] if done.completed < len(steps) else None
