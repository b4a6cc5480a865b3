"""Whether the canary of ``--deploy`` is taken down after a rollout that went back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from canaryctl.cli.deploying import Deploying
from canaryctl.core.errors import HostError
from canaryctl.core.lease import Lease
from canaryctl.core.outcome import Outcome
from canaryctl.drivers.tenure import GatewayTenure
from tests.drivers.test_tenure import FakeGuardian
from tests.guarding.test_service import LEASE, MARK, World

OTHERS = Lease("r2", "you@there:2", "v2", 30.0, doing="stage 1 of 4")


@dataclass
class Canary:
    """A canary that stands; keeps under which lease it was taken down."""

    there: Callable[[], Lease | None]
    release: str = "v1"
    folder: Path = Path("logs")
    services: tuple[str, ...] = ("app-canary",)
    down: list[Lease | None] = field(default_factory=list)

    @property
    def bring_up(self) -> Any:
        return self

    side = bring_up

    def adopt(self, since: float) -> None:
        assert since == 0

    def take_down(self, tick: Callable[[], None]) -> bool:
        tick()
        self.down.append(self.there())
        return True


@dataclass
class Notes:
    """What was said."""

    said: list[str] = field(default_factory=list)

    def note(self, what: str, text: str) -> None:
        self.said.append(f"{what}: {text}")


@dataclass
class Ending:
    """How a rollout ended; its own last state."""

    outcome: Outcome

    @property
    def ending(self) -> Ending:
        return self


class Deployed:
    """A rollout whose canary came up, and that holds the gateway."""

    def __init__(self) -> None:
        self.world = World()
        file = self.world.build.lease
        self.tenure = GatewayTenure(file, LEASE, self.world.clock, FakeGuardian())
        self.canary = Canary(lambda: file.look().lease)
        self.notes = Notes()
        self.deploying = Deploying(
            cast("Any", self.canary),
            self.world.build,
            MARK,
            self.tenure,
            lambda: None,
            cast("Any", self.notes),
        )
        self.tenure.take()
        self.deploying.adopt(0)

    def ends(self, outcome: Outcome) -> list[Lease | None]:
        self.deploying.end(cast("Any", Ending(outcome)))
        return self.canary.down


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYCTL_STATE_DIR", str(tmp_path))


@pytest.fixture
def deployed() -> Deployed:
    return Deployed()


def test_it_goes_under_the_rollouts_own_lease(deployed: Deployed) -> None:
    assert deployed.ends(Outcome.ROLLED_BACK) == [LEASE]
    assert deployed.notes.said == []


def test_after_a_rollback_by_hand_the_gateway_is_taken_again_first(deployed: Deployed) -> None:
    deployed.world.build.lease.free(None)
    (lease,) = deployed.ends(Outcome.ABORTED)
    assert lease is not None
    assert (lease.rollout, lease.owner) == (LEASE.rollout, LEASE.owner)
    deployed.tenure.give_back()
    assert deployed.world.build.lease.look().text is None


def test_where_somebody_else_leads_by_now_it_stays(deployed: Deployed) -> None:
    deployed.world.build.lease.free(None)
    deployed.world.led(OTHERS)
    assert deployed.ends(Outcome.ABORTED) == []
    (said,) = deployed.notes.said
    assert said.startswith("canary stays: app-canary runs on: another rollout holds this gateway")
    assert "you@there:2 rolls v2 out, stage 1 of 4" in said
    assert deployed.world.build.lease.look().lease == OTHERS


def test_where_the_gateway_cannot_be_asked_it_stays(deployed: Deployed) -> None:
    deployed.world.host.unreachable = "no route"
    assert deployed.ends(Outcome.ROLLED_BACK) == []
    assert "runs on: " in deployed.notes.said[0]
    with pytest.raises(HostError):
        deployed.tenure.mine()


def test_where_traffic_is_not_proven_it_stays(deployed: Deployed) -> None:
    assert deployed.ends(Outcome.UNKNOWN) == []
    said = "canary stays: app-canary runs on: it is not proven that it has no traffic"
    assert deployed.notes.said == [said]


def test_one_that_succeeded_keeps_its_canary(deployed: Deployed) -> None:
    assert deployed.ends(Outcome.SUCCEEDED) == []
    assert deployed.notes.said == []
