"""The hooks of a configuration: those beside a rollout, and those that it waits for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event, Thread

from canaryctl.core.hooks import Hook, HookFacts, HookMoment, HookResult
from canaryctl.core.plan import Ask
from canaryctl.core.state import State, Waiting
from canaryctl.drivers.aside import Aside
from canaryctl.drivers.hook_run import run_hook
from canaryctl.ports import Clock

LEFT_WITHIN = 300.0
"""Seconds for which hooks that still run are waited for at the end, all together."""
_GRACE = 4.0
"""Seconds that a program has to end in, once it was told: see ``drivers.command``."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Hooks:
    """All of them.

    Attributes:
        hooks: in the order of the configuration, in which they run.
        clock: for their time limits.
        base: the folder of canary.yaml: where programs run.
    """

    hooks: Sequence[Hook]
    clock: Clock
    base: Path
    _aside: Aside = field(init=False)

    def __post_init__(self) -> None:
        """Begin with none under way."""
        self._aside = Aside("hooks", self.clock)

    def gates(self, moment: HookMoment) -> tuple[Hook, ...]:
        """Give those that are gates at a moment."""
        return tuple(one for one in self.hooks if one.gate and moment in one.at)

    def ask(
        self,
        moment: HookMoment,
        facts: HookFacts,
        stopped: Callable[[], object] = lambda: None,
    ) -> tuple[HookResult, ...]:
        """Run the gates of a moment here and now, one after the other. Never raises.

        Gives a result for each, up to the first that failed: what comes after it is not run.

        Args:
            moment: which.
            facts: what they are told.
            stopped: asked again and again; once it gives something true they are ended.
        """
        results: list[HookResult] = []
        for hook in self.gates(moment):
            results.append(run_hook(hook, facts, self.clock, self.base, stopped))
            if not results[-1].passed:
                break
        return tuple(results)

    def fire(self, moment: HookMoment, facts: HookFacts) -> None:
        """Have a moment's other hooks run beside what goes on, after those fired before."""
        for hook in self.hooks:
            if moment in hook.at and not hook.gate:
                self._aside.do(partial(self._run, hook, facts))

    def close(self, stopped: Callable[[], object] = lambda: None) -> None:
        """Wait for those that were fired: bounded, by ``LEFT_WITHIN`` and by ``stopped``."""
        left = self._aside.close(LEFT_WITHIN, stopped, _GRACE)
        if left:
            _log.warning("%d hooks were not waited for; the one under way was ended", left)

    def _run(self, hook: Hook, facts: HookFacts) -> None:
        result = run_hook(hook, facts, self.clock, self.base, self._aside.stopped.is_set)
        if not result.passed:
            said = "hook %s (%s) failed: %s; that changes nothing of the outcome"
            _log.warning(said, hook.name, facts.moment.value, result.reason)


@dataclass(slots=True)
class _Asked:
    """Hooks that are asked in a thread."""

    waiting: Waiting
    thread: Thread
    stopped: Event
    results: list[tuple[HookResult, ...]]


@dataclass(slots=True)
class AskedHooks:
    """Asks the hooks that a rollout waits for, in a thread; see ``ports.Asking``.

    Attributes:
        hooks: all of them.
        facts: gives what they are told in a state.
    """

    hooks: Hooks
    facts: Callable[[HookMoment, State], HookFacts]
    _asked: _Asked | None = field(default=None, init=False)
    _ended: list[Thread] = field(default_factory=list, init=False)

    def look(self, state: State) -> tuple[HookResult, ...] | None:
        """See ``Asking.look``. The results stay there for as long as they are waited for."""
        waiting = state.asking
        if self._asked is not None and self._asked.waiting != waiting:
            self._end()
        if waiting is None:
            return None
        if self._asked is None:
            self._asked = self._begun(waiting, state)
        return self._asked.results[0] if self._asked.results else None

    def close(self) -> None:
        """See ``Asking.close``; a program has a few seconds to end in."""
        self._end()
        for thread in self._ended:
            thread.join(_GRACE)

    def _begun(self, waiting: Waiting, state: State) -> _Asked:
        assert isinstance(waiting.what, Ask)  # noqa: S101  the state says so
        moment, stopped = waiting.what.moment, Event()
        facts = self.facts(moment, state)
        results: list[tuple[HookResult, ...]] = []
        thread = Thread(
            target=lambda: results.append(self.hooks.ask(moment, facts, stopped.is_set)),
            name=f"hooks {moment}",
            daemon=True,
        )
        thread.start()
        return _Asked(waiting, thread, stopped, results)

    def _end(self) -> None:
        """Have it ended; whoever called goes on at once."""
        if self._asked is not None:
            self._asked.stopped.set()
            self._ended.append(self._asked.thread)
            self._asked = None
