"""What Prometheus reads of the guard."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from canaryctl.core.errors import HostError
from canaryctl.guarding.exported import GuardExport
from canaryctl.ports import InForce
from tests.guarding.test_service import LEASE, World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("CANARYCTL_STATE_DIR", str(tmp_path))
    made = World()
    made.service.exported = GuardExport(made.build, ("127.0.0.1", 0), made.said.append)
    yield made
    made.service.exported.close()


def watched(world: World, seconds: float) -> None:
    """Let the guard run for so long, as it does beside NGINX."""
    end = world.clock.now() + seconds
    world.service.stopped = lambda: "it is enough" if world.clock.now() >= end else None
    world.service.run()


def page(world: World) -> dict[str, float]:
    """Read the page: each sample by its name and the labels that are not the service."""
    assert world.service.exported is not None
    url = f"http://127.0.0.1:{world.service.exported.port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = [v for k, v in sorted(sample.labels.items()) if k != "service"]
            found[" ".join([sample.name.removeprefix("canaryctl_"), *labels])] = sample.value
    return found


def test_before_its_first_look_it_only_watches(world: World) -> None:
    assert page(world) == {"guard_watching": 1}


def test_what_is_in_force_and_who_leads(world: World) -> None:
    world.led()
    watched(world, 1)
    seen = page(world)
    assert seen["gateway_weight_ratio canary"] == 0.05
    assert seen["gateway_weight_ratio stable"] == 0.95
    assert seen["gateway_up"] == 1
    assert seen["gateway_led"] == 1
    assert 0 < seen["lease_left_seconds"] <= LEASE.length
    assert seen["guard_returns_total"] == 0
    assert "guard_last_return_timestamp_seconds" not in seen
    assert [name for name in seen if name.startswith("gateway_info ")]


def test_nobody_leads(world: World) -> None:
    watched(world, 1)
    seen = page(world)
    assert seen["gateway_led"] == 0
    assert "lease_left_seconds" not in seen
    assert seen["guard_last_look_timestamp_seconds"] <= world.clock.now()


def test_traffic_that_it_brought_back(world: World) -> None:
    world.led()
    world.host.moment = type(world.host.moment)("boot", world.host.moment.uptime + LEASE.length + 1)
    watched(world, 1)
    seen = page(world)
    assert seen["guard_returns_total"] == 1
    assert seen["guard_last_return_timestamp_seconds"] <= world.clock.now()
    assert seen["gateway_weight_ratio canary"] == 0


def test_a_gateway_that_does_not_answer_has_no_weight(world: World) -> None:
    force = InForce(None, None, None, None, problem="refused")
    world.router.look = lambda: force  # type: ignore[method-assign]
    watched(world, 1)
    seen = page(world)
    assert seen["gateway_up"] == 0
    assert not [name for name in seen if name.startswith("gateway_weight_ratio")]

    def unreachable() -> InForce:
        raise HostError("no engine")

    world.router.look = unreachable  # type: ignore[method-assign]
    watched(world, 6)
    assert page(world)["gateway_up"] == 0


def test_a_taken_port_is_said_and_it_guards_without(world: World) -> None:
    first = world.service.exported
    assert first is not None
    assert first.port is not None
    world.said.clear()
    world.service.exported = GuardExport(world.build, ("127.0.0.1", first.port), world.said.append)
    assert "cannot be listened on" in world.said[0]
    world.led()
    world.host.moment = type(world.host.moment)("boot", world.host.moment.uptime + LEASE.length + 1)
    watched(world, 1)
    assert [str(weight) for weight in world.weights] == ["0"]
    world.service.exported = first
