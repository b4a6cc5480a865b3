"""What may take longer than a lease lasts, with signs of life while it does.

A slow metrics source is no death of the rollout, and must not look like one: its guard would take
the traffic back. So such things are done in a thread, and this one goes on telling, and looking:
neither a canary that fails nor a person who asks waits for the source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Generic, TypeVar

from canaryctl.core.events import Event, GatewaySilent
from canaryctl.core.state import State
from canaryctl.watch import Watch

T = TypeVar("T")

EVERY = 0.25
"""Seconds between two signs of life."""
SILENCE = 5.0
"""Seconds of NGINX's silence for which a reading is not given up: one lost answer is no reason."""


@dataclass(slots=True)
class Long:
    """Does what takes long, for a rollout whose gateway a watch looks after.

    Each act has to be bounded itself. It is done here and now where no lease is kept.
    """

    watch: Watch
    _left: _Doing[Any] | None = field(default=None, init=False)

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
        """Do it; an event as soon as there is one, and nobody needs the answer any more.

        What was begun ends by itself, unheard; ``settled`` tells when.

        Raises:
            Exception: what it raised.
        """
        if self.watch.tenure is None:
            return act()
        doing = _Doing(act)
        self._left = doing
        if (event := self.settled(state)) is not None:
            return event
        return doing.result()

    def settled(self, state: State) -> Event | None:
        """Wait until what was left has ended: a source remembers, and is not read twice at once.

        None: nothing is under way any more. An event: it is, and that happened.
        """
        while self._left is not None and not self._left.ended():
            if (event := self._meanwhile(state)) is not None:
                return event
        self._left = None
        return None

    def _meanwhile(self, state: State) -> Event | None:
        event = self.watch.tick(state) or self.watch.drift(state.plan.interval)
        bound = min(SILENCE, state.plan.gateway_lost_after)
        if isinstance(event, GatewaySilent) and self.watch.silence() < bound:
            return None
        return event


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
