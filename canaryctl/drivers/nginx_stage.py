"""Where one change lies until it is in force: its staged file, and the copies it is tested with."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from canaryctl.core.errors import ConfigurationRefused
from canaryctl.drivers.lock import Turn
from canaryctl.drivers.nginx_files import NotIncluded, Trial, trial
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
    Sweep,
    Unlock,
    Write,
)

LOCK = ".lock"
"""What the lock of a gateway is called, after canaryctl's file there."""
LOCK_PATIENCE = 2.0
"""Seconds."""
MENDING = ".mend-"
"""What the name of a file goes on with that takes the place of a broken one."""
PREFIX, ENDING = ".canaryctl-", ".conf"
"""Of what is staged; ``nginx_files.trial`` names its copies so as well."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One change's files. No other change has files of these names.

    Attributes:
        live: absolute path of canaryctl's file.
        staged: its next text, beside it. The name begins with a dot: no glob includes it.
        trial: the configuration in which ``staged`` stands for ``live``.
        left: staged files of changes that were not finished. They are removed before anything
            else, so that one still under way cannot come into force after this one.
        fence: what else must hold in the instant of the change, such as who holds the gateway.
    """

    live: str
    staged: str
    trial: Trial
    left: tuple[str, ...]
    fence: tuple[Expect | Absent, ...] = ()

    def written(self, text: str) -> list[Step]:
        """Write ``text`` and have NGINX test it, in a place where it is not in force."""
        return [
            *self.forgotten(),
            Write(self.staged, text),
            *(Write(path, content) for path, content in self.trial.files.items()),
            Run(("-t", "-q", "-c", self.trial.main)),
        ]

    def forgotten(self) -> list[Step]:
        """Take away what this machine's unfinished changes have left."""
        return [Remove(path) for path in self.left]

    def swept(self) -> list[Step]:
        """Take away what anybody staged here."""
        folders = {posixpath.dirname(path) for path in (self.staged, *self.trial.files)}
        return [Sweep(posixpath.join(one, PREFIX), ENDING) for one in sorted(folders)]

    def change(self, text: str, before: str | None) -> list[Step]:
        """Do all of a change: write, test, make sure of ``before``, swap, reload."""
        swap = Swap(self.staged, self.live)
        return [*self.written(text), *self.locked(before, swap), Reload(), *self.cleaned()]

    def locked(self, before: str | None, act: Swap | Remove) -> list[Step]:
        """Look whether all is as expected, and act: one act for every machine.

        It is short, so who waited in vain has met somebody who hangs in it. A rollback goes on,
        and takes away what they would swap in when they wake.
        """
        others = Sweep(posixpath.join(posixpath.dirname(self.live), PREFIX), ENDING, self.staged)
        lock = Lock(self.live + LOCK, LOCK_PATIENCE, needed=False, instead=others)
        live = Absent(self.live) if before is None else Expect(self.live, before)
        return [lock, *self.fence, live, act, Unlock()]

    def cleaned(self) -> list[Step]:
        """Leave nothing behind."""
        return [Remove(path) for path in (self.staged, *self.trial.files)]


def stage(
    files: Mapping[str, str],
    live: str,
    token: str,
    turn: Turn,
    fence: tuple[Expect | Absent, ...] = (),
) -> Stage:
    """Choose the paths of one change.

    Args:
        files: NGINX's configuration, as ``nginx_files.dumped`` gave it.
        live: absolute path of canaryctl's file.
        token: of this machine and gateway.
        turn: tells the names of this change and of unfinished ones.
        fence: what else must hold when the change is made.

    Raises:
        ConfigurationRefused: nothing includes ``live``.
    """
    mine = f"{token}-{turn.mine}"
    staged = _staged(live, mine)
    left: list[str] = []
    for suffix in turn.left:
        name = f"{token}-{suffix}"
        left += [_staged(live, name), *_trial(files, live, _staged(live, name), name).files]
    return Stage(live, staged, _trial(files, live, staged, mine), tuple(left), fence)


def _trial(files: Mapping[str, str], live: str, staged: str, token: str) -> Trial:
    try:
        return trial(files, live, staged, token)
    except NotIncluded:
        main = next(iter(files))
        step = f"add `include {live};` to its http {{}} block"
        if not main.startswith("/"):
            step = (
                f"its main file is known as {main} only, so no path can be compared: start it "
                "with absolute -p and -c, or set gateway.prefix and gateway.main"
            )
        raise ConfigurationRefused(
            f"NGINX's configuration ({main}) does not include {live}", next_step=step
        ) from None


def _staged(live: str, token: str) -> str:
    return posixpath.join(posixpath.dirname(live), f"{PREFIX}{token}{ENDING}")


def failed(steps: list[Step], done: Performed) -> Step | None:
    """Give the step that did not succeed, None when all did."""
    return steps[done.completed] if done.completed < len(steps) else None
