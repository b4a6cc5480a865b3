"""Stand-ins that pass the same contract tests as what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from canaryctl.core.errors import HostError
from canaryctl.core.moment import Moment
from canaryctl.ports import (
    MOST_TAILED,
    Absent,
    Expect,
    Glance,
    Located,
    Lock,
    Performed,
    Reload,
    Remove,
    Run,
    Step,
    Swap,
    Sweep,
    Tail,
    Worker,
    Write,
)

Verdict = Callable[[Mapping[str, str], tuple[str, ...]], str]


def _accept(_files: Mapping[str, str], _arguments: tuple[str, ...]) -> str:
    return ""


@dataclass
class FakeHost:
    """A host in memory.

    Attributes:
        files: path → text, as they are now.
        refuse: what NGINX says to ``Run``, given the files and the arguments: the complaint it
            ends with, or the empty string when it accepts.
        reloaded: called with the files at each ``Reload``; what it returns is a complaint as
            above, so a test can let NGINX refuse a reload or answer with the new files.
        known: address → what ``locate`` gives; any other does not resolve.
        steps: every step that was begun, in order, over all calls.
        unreachable: when not empty, every call raises ``HostError`` with it.
        moment: its own, which tests set.
        held: lock files that somebody else holds for ever.
        crew: gives the workers at each look; tests replace it.
    """

    files: dict[str, str] = field(default_factory=dict)
    refuse: Verdict = _accept
    reloaded: Callable[[Mapping[str, str]], str] = field(default=lambda _files: "")
    known: dict[str, Located] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    unreachable: str = ""
    moment: Moment = field(default_factory=lambda: Moment("boot", 1000.0))
    held: set[str] = field(default_factory=set)
    crew: Callable[[], Sequence[Worker]] = field(
        default=lambda: (Worker(2, old=False, age=60.0, connections=None),)
    )
    _inodes: dict[str, int] = field(default_factory=dict, init=False)
    _given: int = field(default=0, init=False)

    def describe(self) -> str:
        return "a fake host"

    def identity(self) -> str:
        return f"fake:{id(self)}"

    def read(self, path: str) -> str | None:
        self._reach()
        return self.files.get(path)

    def glance(self, path: str) -> Glance:
        self._reach()
        return Glance(self.files.get(path), self.moment)

    def tail(self, path: str, offset: int) -> Tail | None:
        self._reach()
        if path not in self.files:
            return None
        content = self.files[path].encode()
        return Tail(
            f"fake:{self._inode(path)}", len(content), content[offset : offset + MOST_TAILED]
        )

    def perform(self, steps: Sequence[Step]) -> Performed:
        self._reach()
        for done, step in enumerate(steps):
            self.steps.append(step)
            if complaint := self._do(step):
                return Performed(done, complaint)
        return Performed(len(steps), "")

    def locate(self, address: str) -> Located:
        self._reach()
        return self.known.get(address, Located((), False, f"{address} does not resolve"))

    def workers(self) -> tuple[Worker, ...]:
        self._reach()
        return tuple(sorted(self.crew(), key=lambda one: (one.age, one.pid)))

    def _do(self, step: Step) -> str:
        said = ""
        match step:
            case Write(path, content, stamped):
                self.files[path] = content + (self.moment.stamp() if stamped else "")
            case Lock(path, _, needed) if needed and path in self.held:
                said = f"{path} is held"
            case Absent(path) if path in self.files:
                said = f"{path} is there"
            case Run(arguments):
                said = self.refuse(self.files, arguments)
            case Expect(path, content) if self.files.get(path) != content:
                said = f"{path} was changed meanwhile"
            case Swap(staged, _) if staged not in self.files:
                said = f"{staged}: no such file"
            case Swap(staged, live):
                self._inodes[live] = self._inode(staged)
                self._inodes.pop(staged)
                self.files[live] = self.files.pop(staged)
            case Remove(path):
                self._inodes.pop(path, None)
                self.files.pop(path, None)
            case Reload():
                said = self.reloaded(self.files)
            case _:
                self._sweep(step)
        return said

    def _sweep(self, step: Step) -> None:
        sweep = step.instead if isinstance(step, Lock) and step.path in self.held else step
        if not isinstance(sweep, Sweep):
            return
        for path in [one for one in self.files if one.startswith(sweep.stem)]:
            named = path.endswith(sweep.ending) and "/" not in path[len(sweep.stem) :]
            if named and path != sweep.keep:
                self._do(Remove(path))

    def _inode(self, path: str) -> int:
        if path not in self._inodes:
            self._given += 1
            self._inodes[path] = self._given
        return self._inodes[path]

    def _reach(self) -> None:
        if self.unreachable:
            raise HostError(self.unreachable)
