"""What every check may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Protocol

from canaryctl.checking.finding import Said
from canaryctl.drivers.command import CommandError, Ran, run
from canaryctl.drivers.git import Git
from canaryctl.drivers.tree import Tree
from canaryctl.ports import Clock, InForce, Metrics


class Check(Protocol):
    """One thing that has to be true.

    Attributes:
        name: in the output.
        within: seconds after which ``look`` has ended by itself.
    """

    @property
    def name(self) -> str:
        """See above."""
        ...

    @property
    def within(self) -> float:
        """See above."""
        ...

    def look(self) -> Said:
        """Look, and change nothing. May raise ``CanaryctlError``, which is a failure."""
        ...


@dataclass(frozen=True, slots=True)
class Scene:
    """The release, and where it is looked at.

    Attributes:
        base: the folder of canary.yaml.
        version: the release.
        clock: bounds everything.
        stopping: set once nobody wants to know any more.
    """

    base: Path
    version: str
    clock: Clock
    stopping: Event = field(default_factory=Event)

    @property
    def git(self) -> Git:
        """The repository that the folder is in, if it is in one."""
        return Git(self.base, self.clock, stopped=self.stopping.is_set)

    @property
    def tree(self) -> Tree:
        """The files of the folder."""
        return Tree(self.base)

    def run(self, argv: tuple[str, ...], within: float) -> Ran:
        """Run a program in the folder; see ``drivers.command.run``.

        Raises:
            CommandError: it cannot be started.
        """
        try:
            return run(argv, self.clock, within, cwd=self.base, stopped=self.stopping.is_set)
        except CommandError as error:
            mend = "install it, or name it with its path: checks run in the folder of canary.yaml"
            raise CommandError(str(error), next_step=mend) from error


@dataclass(frozen=True, slots=True)
class Given:
    """What is there for probes besides the folder.

    Attributes:
        metrics: gives the metrics source.
        in_force: asks NGINX what is in force.
        notify: sends a test message over every channel and says how that went.
    """

    metrics: Callable[[], Metrics]
    in_force: Callable[[], InForce]
    notify: Callable[[], Said]
