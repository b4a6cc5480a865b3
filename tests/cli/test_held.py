"""What the guard of a rollout is told at its end, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from canaryctl.cli.held import guarded
from canaryctl.core.outcome import Outcome


@dataclass
class Told:
    """A guard and a hold on a gateway; keeps what both were told, in order."""

    taken: bool = True
    told: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return lambda: self.told.append(name)


@dataclass
class Ending:
    """How a rollout ended."""

    outcome: Outcome


@dataclass
class State:
    """The last state of a rollout."""

    ending: Ending


def ended(there: Told, outcome: Outcome | None) -> list[str]:
    with guarded(cast("Any", there), cast("Any", there)) as states:
        if outcome is not None:
            states.append(cast("Any", State(Ending(outcome))))
    return there.told


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.UNKNOWN])
def test_it_hears_that_the_lease_goes_before_it_goes(outcome: Outcome) -> None:
    assert ended(Told(), outcome) == ["start", "leaving", "give_back", "done"]


@pytest.mark.parametrize("outcome", [None, Outcome.UNKNOWN])
def test_where_traffic_is_not_proven_it_is_left_to_it(outcome: Outcome | None) -> None:
    assert ended(Told(), outcome) == ["start", "abandon"]


def test_where_nothing_was_taken_it_ends() -> None:
    assert ended(Told(taken=False), None) == ["start", "done"]
