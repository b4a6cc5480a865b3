"""What may take longer than a lease lasts, with signs of life while it does.

A slow metrics source is no death of the rollout, and must not look like one: its guard would take
the traffic back. So such things are done in a thread, and this one goes on telling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Thread
from typing import Generic, TypeVar

from canaryctl.core.events import Event, Interrupted
from canaryctl.core.state import State
from canaryctl.watch import Watch

T = TypeVar("T")

EVERY = 0.25
"""Seconds between two signs of life."""


@dataclass(frozen=True, slots=True)
class Long:
    """Does what takes long, for a rollout whose gateway a watch looks after.

    Each act has to be bounded itself. It is done here and now where no lease is kept.
    """

    watch: Watch

    def to_its_end(self, act: Callable[[], T], state: State) -> T:
        """Do it and wait for it, whatever happens: it may leave things behind otherwise.

        Raises:
            Exception: what it raised.
        """
        if self.watch.tenure is None:
            return act()
        doing = _Doing(act)
        while not doing.ended():
            self.watch.alive(state)  # a gateway that was lost is found again by what comes next
        return doing.result()

    def unless_over(self, act: Callable[[], T], state: State) -> T | Event:
        """Do it; an event as soon as nobody needs the answer any more.

        Raises:
            Exception: what it raised.
        """
        if self.watch.tenure is None:
            return act()
        doing = _Doing(act)
        while not doing.ended():
            if by := self.watch.stopped():
                return Interrupted(self.watch.clock.now(), by)
            if (lost := self.watch.alive(state)) is not None:
                return lost
        return doing.result()


class _Doing(Generic[T]):
    """One act under way."""

    def __init__(self, act: Callable[[], T]) -> None:
        self._act = act
        self._given: list[T] = []
        self._raised: BaseException | None = None
        # A daemon: whatever hangs in it, the process ends when it is told to.
        self._thread = Thread(target=self._do, daemon=True)
        self._thread.start()

    def _do(self) -> None:
        try:
            self._given.append(self._act())
        except BaseException as error:  # noqa: BLE001  raised in the thread that waits
            self._raised = error

    def ended(self) -> bool:
        """Tell whether it has, after a moment at most."""
        self._thread.join(EVERY)
        return not self._thread.is_alive()

    def result(self) -> T:
        if self._raised is not None:
            raise self._raised
        return self._given[0]
