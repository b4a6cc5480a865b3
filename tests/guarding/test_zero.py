"""All traffic back on stable, whatever comes between two attempts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from canaryctl.core.errors import (
    CanaryctlError,
    ConfigError,
    ConfigurationRefused,
    HostError,
    TrafficUnknown,
)
from canaryctl.core.weight import Weight
from canaryctl.drivers.template import intact
from canaryctl.guarding.zero import to_zero
from tests.guarding.test_service import LIVE, MARK, World

BROKEN = '# canaryctl {"generation": "1-a", "rollout": "r1"}\nupstream shop { server app-cana'


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYCTL_STATE_DIR", str(tmp_path))


@pytest.fixture
def world() -> World:
    found = World()
    found.host.files[LIVE] = BROKEN
    return found


def fails(world: World, *errors: CanaryctlError) -> None:
    """Have the first changes fail with these, one after the other."""
    left: Iterator[CanaryctlError] = iter(errors)

    def fail(_: Weight) -> None:
        if (error := next(left, None)) is not None:
            raise error

    world.router.fail = fail


def test_what_was_mended_in_the_last_attempt_is_brought_into_force(world: World) -> None:
    refused = ConfigurationRefused("host not found in upstream app-canary")
    fails(world, HostError("the Engine restarts"), HostError("the Engine restarts"), refused)
    proof = to_zero(world.build, MARK, 3, world.said.append)
    assert proof.weight == Weight.ZERO
    assert world.weights == [Weight.ZERO]
    assert intact(world.host.files[LIVE])
    assert world.said[-1].endswith("a sound file of 0 % has taken its place")


def test_a_template_that_is_broken_in_the_last_attempt_is_done_without(world: World) -> None:
    world.build.__dict__ |= {"template": "{{ broken", "fall_back": lambda: _fall_back(world)}
    fails(world, HostError("the Engine restarts"), ConfigError("gateway.template: broken"))
    assert to_zero(world.build, MARK, 2, world.said.append).weight == Weight.ZERO
    assert world.said[-1].endswith("using the packaged template instead")


def _fall_back(world: World) -> bool:
    """As ``Build`` does, but for its router: the one of this world has no template."""
    fell = type(world.build).fall_back(world.build)
    world.build.__dict__["router"] = world.router
    return fell


def test_what_is_refused_for_ever_is_given_up(world: World) -> None:
    def refuses(_: Weight) -> None:
        world.host.files[LIVE] = BROKEN  # somebody breaks it again each time
        raise ConfigurationRefused("invalid number of arguments")

    world.router.fail = refuses
    with pytest.raises(TrafficUnknown, match="in 3 attempts: invalid number"):
        to_zero(world.build, MARK, 3, world.said.append)
    assert len(world.said) == 3  # mended once, and two attempts were told before the last
