"""`canaryctl weights set`, in a world in memory: what it does with a lease that lies there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from canaryctl.cli import weights
from canaryctl.cli.context import Context
from canaryctl.core.errors import GatewayHeld, HostError
from canaryctl.core.moment import Moment
from canaryctl.core.weight import Weight
from canaryctl.wiring import Build
from tests.guarding.test_service import LEASE, World


@dataclass(frozen=True)
class Given(Context):
    """A context whose gateway is in memory."""

    world: World = field(default_factory=World)

    def build(self) -> Build:
        return self.world.another_build()


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYCTL_STATE_DIR", str(tmp_path))


@pytest.fixture
def world() -> World:
    return World()


def set_by_hand(world: World, weight: str) -> Result:
    app = typer.Typer()
    weights.register(app)
    return CliRunner().invoke(app, ["weights", "set", weight], obj=Given(None, world))


def test_a_lease_that_has_run_out_goes_and_no_guard_undoes_the_weight(world: World) -> None:
    world.led()
    world.host.moment = Moment("boot", 2000.0)
    ended = set_by_hand(world, "100")
    assert ended.exit_code == 0, ended.exception
    assert world.build.lease.look().text is None
    world.passes(3600)
    assert world.weights == [Weight.FULL]


def test_one_that_was_taken_meanwhile_stays(world: World) -> None:
    world.led()
    world.host.moment = Moment("boot", 2000.0)
    other = replace(LEASE, rollout="r2")

    def taken(_: Weight) -> None:
        world.led(other)

    world.router.fail = taken
    assert set_by_hand(world, "5").exit_code == 0
    assert world.build.lease.look().lease == other


def test_where_it_cannot_be_freed_the_weight_is_told_all_the_same(world: World) -> None:
    world.led()
    world.host.moment = Moment("boot", 2000.0)

    def fails(*_: object) -> None:
        raise HostError("no room")

    world.host.perform = fails  # type: ignore[method-assign,assignment]
    ended = set_by_hand(world, "5")
    assert (ended.exit_code, "proven at NGINX" in ended.output) == (0, True)


def test_a_rollout_that_lives_is_not_disturbed(world: World) -> None:
    world.led()
    assert isinstance(set_by_hand(world, "5").exception, GatewayHeld)
    assert world.weights == []
    assert world.build.lease.look().lease == LEASE
