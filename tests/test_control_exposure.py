"""Where others can read NGINX's control listener, the preflight says so, and refuses nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from canaryctl.config import loads
from canaryctl.core.errors import HostError
from canaryctl.core.events import Check
from canaryctl.drivers.docker_ports import beyond_loopback
from canaryctl.preflight import Preflight
from canaryctl.wiring import Build
from tests.fake_world import FakeClock, FakeMetrics, FakeRouter
from tests.fakes import FakeHost
from tests.test_preflight import PLAN

LOCAL = """
service: shop
versions: {{stable: {{address: "app:8000"}}, canary: {{address: "app-canary:8001"}}}}
gateway: {{driver: local, config: /etc/nginx/conf.d/canaryctl.conf, {more}}}
"""


def warned(verify: str, exposed: Callable[[], Sequence[str]] = tuple) -> list[Check]:
    clock = FakeClock()
    preflight = Preflight(
        plan=PLAN,
        gates=(),
        router=FakeRouter(clock),
        host=FakeHost(),
        metrics=FakeMetrics(clock, {}, every=5.0),
        clock=clock,
        addresses=(),
        select={},
        release="v2",
        verify=verify,
        exposed=exposed,
    )
    found = list(preflight.control_listener())
    assert all(check.passed is None for check in found)
    return found


@pytest.mark.parametrize(
    "verify",
    ["http://127.0.0.1:9180", "http://[::1]:9180", "http://localhost", "https://gw.example:9180"],
)
def test_loopback_and_tls_are_in_order(verify: str) -> None:
    assert warned(verify) == []


@pytest.mark.parametrize("verify", ["http://10.0.0.5:9180", "http://gw.example:9180/x"])
def test_a_question_over_the_network_needs_tls(verify: str) -> None:
    (check,) = warned(verify)
    assert verify in check.detail
    assert "gateway.tls" in check.detail


def test_a_listener_that_others_can_reach_is_named_with_its_address() -> None:
    (check,) = warned("http://127.0.0.1:9180", lambda: ("0.0.0.0:9180",))
    assert "0.0.0.0:9180" in check.detail
    assert "127.0.0.1:PORT:PORT" in check.detail


def test_a_host_that_cannot_be_asked_is_the_gateways_trouble() -> None:
    def gone() -> Sequence[str]:
        raise HostError("no such container")

    assert warned("http://127.0.0.1:9180", gone) == []


@pytest.mark.parametrize(
    ("more", "exposed"),
    [
        ("verify: 'http://127.0.0.1:9180'", ()),
        ("verify: 'http://[::1]:9180'", ()),
        ("verify: 'http://127.0.0.1:9180', control: '9180'", ("0.0.0.0:9180",)),
        ("verify: 'http://192.0.2.7:9180'", ("192.0.2.7:9180",)),
    ],
)
def test_on_this_machine_it_is_what_nginx_listens_on(more: str, exposed: tuple[str, ...]) -> None:
    build = Build(loads(LOCAL.format(more=more)), Path())
    assert build.exposed() == exposed


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"])
def test_loopback_is_not_beyond_itself(listen: str) -> None:
    assert beyond_loopback(listen) == ()
