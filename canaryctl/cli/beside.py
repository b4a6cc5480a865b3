"""What goes on beside a rollout: hooks, and notices to people. Neither ever delays it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from canaryctl.core.events import Check
from canaryctl.core.hook_facts import HookAbout
from canaryctl.core.hooks import HookMoment
from canaryctl.drivers.hooks import AskedHooks, Hooks
from canaryctl.drivers.notifier import Notifier
from canaryctl.listeners.hooks import HookListener
from canaryctl.listeners.notices import NoticeListener

if TYPE_CHECKING:
    from canaryctl.cli.stop import StopFlag
    from canaryctl.drivers.tenure import GatewayTenure
    from canaryctl.listeners.words import Banner
    from canaryctl.ports import Listener, Mark
    from canaryctl.wiring import Build


@dataclass(frozen=True, slots=True)
class Beside:
    """The hooks and channels of one rollout.

    Attributes:
        about: whose rollout it is, for hooks.
        mark: the same, for notices.
        hooks: all of them.
        asked: runs those that are gates, while the rollout waits for them.
        notifier: tells people.
    """

    about: HookAbout
    mark: Mark
    hooks: Hooks
    asked: AskedHooks
    notifier: Notifier

    @classmethod
    def of(cls, build: Build, mark: Mark) -> Beside:
        """Bring those of a configuration to life. Nothing is run or told yet."""
        config = build.config
        about = HookAbout(config.service, mark.release, mark.rollout, mark.owner)
        hooks = Hooks(config.core_hooks(), build.clock, build.base)
        notifier = Notifier(config.channels(), build.clock)
        notifier.warm()
        return cls(about, mark, hooks, AskedHooks(hooks, about.asked), notifier)

    def checks(self, tenure: GatewayTenure, stop: StopFlag) -> Iterator[Check]:
        """Ask the gates before the rollout; each is a check of its preflight.

        Args:
            tenure: is given signs of life meanwhile: for a deployment the gateway is held already.
            stop: ends them.
        """

        def stopped() -> str | None:
            tenure.sign("asking hooks before the rollout")
            return stop.by()

        moment = HookMoment.BEFORE_ROLLOUT
        for one in self.hooks.ask(moment, self.about.plain(moment), stopped):
            yield Check(f"hook {one.hook}", one.passed, one.reason)

    def listeners(self, banner: Banner, stop: StopFlag) -> Sequence[Listener]:
        """Give who hands on what happens; closed in this order, which waits for what is left."""
        mark = self.mark
        return (
            NoticeListener(
                banner, mark.rollout, mark.owner, self.notifier.tell, self.notifier.close
            ),
            HookListener(self.about, self.hooks.fire, lambda: self.hooks.close(stop.more())),
        )
