"""What people ask of a promotion that is past its watch: answered, and refused with the reason."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from canaryctl.core.control import Answer, Verb
from canaryctl.core.errors import HostError
from canaryctl.core.promotion import Phase
from canaryctl.ports import Clock, Controls

EVERY = 1.0
"""Seconds between two looks at the desk."""
_WHY = {
    Phase.WATCHING: "the promotion is just beginning, or ending; ask again",
    Phase.REPLACING: "stable is being replaced: traffic stays on the canary until stable is proven",
    Phase.RETURNING: "stable is the new version, proven, and traffic goes back to it: that is "
    "finished first",
    Phase.CLEARING: "stable has all traffic already; only the canary is removed",
}
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Questions:
    """The desk of one run.

    Attributes:
        desk: where people ask.
        run: this run's id; requests name it.
        clock: for the pace.
    """

    desk: Controls
    run: str
    clock: Clock
    _looked: float = field(default=0.0, init=False)

    def look(self, phase: Phase) -> None:
        """Answer what was asked since. Never raises."""
        now = self.clock.now()
        if now - self._looked < EVERY:
            return
        self._looked = now
        try:
            for one in self.desk.read().requests:
                if one.rollout == self.run:
                    self.desk.answer(Answer(one.id, accepted=False, said=_said(one.verb, phase)))
        except HostError as error:
            _log.info("the desk cannot be read: %s", error)


def _said(verb: Verb, phase: Phase) -> str:
    return f"{verb} is refused: {_WHY[phase]}"
