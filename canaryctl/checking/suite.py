"""All checks side by side. Each ends: by itself, or because nobody waits for it any longer."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Thread

from canaryctl.checking.finding import Finding, Said, Status, failed
from canaryctl.checking.scene import Check, Scene
from canaryctl.core.errors import CanaryctlError, ConfigError
from canaryctl.quantities import spelled

SIDE_BY_SIDE = 8
_GRACE = 10.0
"""Seconds more than its own bound that a check is waited for: a disk may not answer at all."""
_LOOK_EVERY = 0.2
_LAST_WORDS = 5.0
"""Seconds that programs have to end once nobody wants to know any more."""


@dataclass(frozen=True, slots=True)
class Mild:
    """A check whose failures are warnings."""

    check: Check

    @property
    def name(self) -> str:
        """The check's."""
        return self.check.name

    @property
    def within(self) -> float:
        """The check's."""
        return self.check.within

    def look(self) -> Said:
        """See the check."""
        try:
            said = self.check.look()
        except CanaryctlError as error:
            said = failed(str(error), error.next_step)
        return replace(said, status=Status.WARN) if said.status is Status.FAIL else said


@dataclass(frozen=True, slots=True)
class TurnedOff:
    """One of the five that this service does not have."""

    name: str
    within: float = 0.0

    def look(self) -> Said:
        """Say so."""
        return Said(Status.OFF, f"off: checks.{self.name}")


_Answer = tuple[int, Finding | BaseException]


@dataclass(slots=True)
class Suite:
    """The checks of one release.

    Attributes:
        scene: what they look at; its clock times them.
        checks: in the order in which they are said.
        hide: takes secrets out of what they say.
    """

    scene: Scene
    checks: Sequence[Check]
    hide: Callable[[str], str] = str

    def run(self) -> Iterator[Finding]:
        """Give the findings in order, each as soon as it and all before it are there.

        Raises:
            ConfigError: a check cannot be made as it is declared.
        """
        answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for index in range(len(self.checks)):
            waiting.put(index)
        began: dict[int, float] = {}
        work = partial(self._work, waiting, answers, began)
        workers = [_started(work) for _ in range(min(SIDE_BY_SIDE, len(self.checks)))]
        found: dict[int, Finding] = {}
        said = 0
        try:
            while said < len(self.checks):
                given_up = self._take(answers, began, found)
                # Who hangs with a check that was given up begins no other one.
                workers += [_started(work) for _ in range(given_up)]
                while said in found:
                    yield found[said]
                    said += 1
        finally:
            self.scene.stopping.set()
            until = self.scene.clock.now() + _LAST_WORDS
            for one in workers:
                one.join(max(0.0, until - self.scene.clock.now()) if said < len(self.checks) else 0)

    def _take(
        self,
        answers: queue.SimpleQueue[_Answer],
        began: dict[int, float],
        found: dict[int, Finding],
    ) -> int:
        """Wait a moment for an answer; give how many checks were given up meanwhile."""
        try:
            index, answer = answers.get(timeout=_LOOK_EVERY)
        except queue.Empty:
            before, now = len(found), self.scene.clock.now()
            for index, since in list(began.items()):
                if index not in found and now - since > self.checks[index].within + _GRACE:
                    found[index] = self._given_up(self.checks[index], now - since)
            return len(found) - before
        if isinstance(answer, BaseException):
            raise answer
        found.setdefault(index, answer)
        return 0

    def _work(
        self,
        waiting: queue.SimpleQueue[int],
        answers: queue.SimpleQueue[_Answer],
        began: dict[int, float],
    ) -> None:
        while not self.scene.stopping.is_set():
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            began[index] = self.scene.clock.now()
            try:
                answers.put((index, self._found(self.checks[index], began[index])))
            except BaseException as error:  # noqa: BLE001  whatever it is, it is not lost in a thread
                answers.put((index, error))

    def _found(self, check: Check, began: float) -> Finding:
        try:
            said = check.look()
        except ConfigError:
            raise
        except CanaryctlError as error:
            said = failed(str(error), error.next_step)
        took = self.scene.clock.now() - began
        clean = self._clean(said)
        parts = tuple(map(self._clean, said.parts))
        return Finding(check.name, said.status, clean.reason, clean.mend, took, parts)

    def _clean(self, said: Said) -> Said:
        """Take out secrets, and what a terminal would obey."""
        reason, mend = (_printable(self.hide(one)) for one in (said.reason, said.mend))
        return Said(said.status, reason, mend)

    @staticmethod
    def _given_up(check: Check, took: float) -> Finding:
        reason = f"no result within {spelled(check.within + _GRACE)}: is a disk or a network gone?"
        return Finding(check.name, Status.FAIL, reason, "look at it by hand", took)


def _started(work: Callable[[], None]) -> Thread:
    thread = Thread(target=work, daemon=True)
    thread.start()
    return thread


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)
