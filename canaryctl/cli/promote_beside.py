"""Hooks and notices beside a promotion. But for a gate, neither changes how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from canaryctl.core.errors import CanaryctlError
from canaryctl.core.events import Started
from canaryctl.core.hook_facts import HookAbout
from canaryctl.core.hooks import HookMoment, failed
from canaryctl.core.notice import Notice, Occasion
from canaryctl.core.state import Phase
from canaryctl.drivers.hooks import Hooks
from canaryctl.drivers.notifier import Notifier
from canaryctl.promoting.ended import Ended, Outcome

if TYPE_CHECKING:
    from canaryctl.core.commands import Command
    from canaryctl.core.events import Event
    from canaryctl.core.state import State
    from canaryctl.core.weight import Weight
    from canaryctl.listeners.notices import NoticeListener
    from canaryctl.listeners.words import Banner
    from canaryctl.ports import Mark
    from canaryctl.wiring import Build

_OCCASIONS = {
    Outcome.PROMOTED: Occasion.PROMOTED,
    Outcome.ROLLED_BACK: Occasion.ROLLED_BACK,
    Outcome.ABORTED: Occasion.ABORTED,
    Outcome.FAILED: Occasion.TROUBLE,
    Outcome.UNKNOWN: Occasion.UNPROVEN,
}


@dataclass(frozen=True, slots=True)
class PromoteBeside:
    """The hooks and channels of one promotion.

    Attributes:
        about: whose it is, for hooks.
        hooks: all of them.
        notifier: tells people.
        stopped: ends a hook that is asked.
    """

    about: HookAbout
    hooks: Hooks
    notifier: Notifier
    stopped: Callable[[], str | None]

    @classmethod
    def of(cls, build: Build, mark: Mark, stopped: Callable[[], str | None]) -> PromoteBeside:
        """Bring those of a configuration to life. Nothing is run or told yet."""
        config = build.config
        about = HookAbout(config.service, mark.release, mark.rollout, mark.owner)
        hooks = Hooks(config.core_hooks(), build.clock, build.base)
        notifier = Notifier(config.channels(), build.clock)
        notifier.warm()
        return cls(about, hooks, notifier, stopped)

    def allowed(self, tick: Callable[[], object]) -> str:
        """Ask the gates before stable is touched; empty: it may be, else why not.

        Raises:
            CanaryctlError: what ``tick`` raised. It ends the hook, and is none of its results: a
                gateway that is somebody else's by now is no refusal.
        """
        raised: list[CanaryctlError] = []

        def stopped() -> str | None:
            try:
                tick()
            except CanaryctlError as error:
                raised.append(error)
                return str(error) or type(error).__name__
            return self.stopped()

        moment = HookMoment.BEFORE_PROMOTION
        self.hooks.fire(moment, self.about.plain(moment))
        wrong = failed(self.hooks.ask(moment, self.about.plain(moment), stopped))
        if raised:
            raise raised[0]
        return f"{wrong.hook}: {wrong.reason}" if wrong else ""

    def watched(self, banner: Banner) -> WatchNotices:
        """Give who tells people of the watch: what it waits for, and what goes wrong."""
        from canaryctl.listeners.notices import NoticeListener

        about = self.about
        told = NoticeListener(banner, about.rollout, about.owner, self.notifier.tell, lambda: None)
        return WatchNotices(told)

    def ended(self, ended: Ended, weight: Weight | None) -> None:
        """Tell how it ended, run the hooks after a promotion, and wait for both, bounded."""
        about = self.about
        known = None if weight is None else float(str(weight))
        if ended.outcome is Outcome.PROMOTED:
            moment = HookMoment.AFTER_PROMOTION
            facts = replace(
                about.plain(moment), weight=known, outcome=ended.outcome, reason=ended.reason
            )
            self.hooks.fire(moment, facts)
        what = ended.outcome.replace("_", " ")
        title = f"{about.service} {about.version}: promotion {what}"
        weights = "not proven" if weight is None else f"canary {weight} %"
        body = "\n".join([ended.reason, f"weights: {weights}", f"by: {about.owner}", *ended.steps])
        self.notifier.tell(Notice(_OCCASIONS[ended.outcome], title, body))
        self.notifier.close()
        self.hooks.close()


@dataclass(frozen=True, slots=True)
class WatchNotices:
    """Passes on what happens in a watch, but for its beginning and its good end."""

    to: NoticeListener

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        """Tell people, where it is worth it."""
        if not isinstance(event, Started) and state.phase is not Phase.ENDED:
            self.to.heard(event, state, command)

    def ticked(self, state: State, now: float) -> None:
        """Time alone is no news."""
