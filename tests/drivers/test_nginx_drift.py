"""What changed at a gateway though nobody decided it."""

from __future__ import annotations

import pytest

from canaryctl.core.errors import HostError
from canaryctl.core.weight import Weight
from canaryctl.drivers.nginx_drift import edited, moved
from canaryctl.drivers.nginx_restore import Before
from canaryctl.drivers.nginx_survey import Surveyed
from canaryctl.drivers.nginx_version import parse_version
from canaryctl.drivers.template import Abilities, Address, Routing, intact, render
from canaryctl.ports import Located, Mark
from canaryctl.resources import shipped
from tests.fakes import FakeHost

TEMPLATE = shipped("nginx/upstream.conf.j2").read_text(encoding="utf-8")
PLAIN = Abilities(resolve=False, keepalive_min_timeout=False, resolver="")
FOLLOWS = Abilities(resolve=True, keepalive_min_timeout=False, resolver="127.0.0.11")
OLD, NEW = ("10.0.0.7:8001",), ("10.0.0.9:8001",)
CANARY, STABLE = "app-canary:8001", "app:8000"
TEN = Weight(1000)


def routing(stable: str = STABLE) -> Routing:
    return Routing(
        "app", (Address(stable),), (Address(CANARY, peers=OLD),), control="9180", keepalive=8
    )


def text(generation: str, weight: Weight = TEN) -> str:
    return render(TEMPLATE, routing("10.0.0.1:80"), weight, generation, Mark(), PLAIN)


KNOWN = Before(text("7-aaaaaa"), "7-aaaaaa")


def test_what_was_set_is_no_drift() -> None:
    assert edited(KNOWN.text, KNOWN) == ""


def test_a_newer_file_of_canaryctls_is_somebodys_decision() -> None:
    assert edited(text("8-bbbbbb"), KNOWN) == ""


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (None, "canaryctl's file is gone from the gateway"),
        ("", "no longer canaryctl's"),
        ("upstream app {}\n", "no longer canaryctl's"),
        (text("7-aaaaaa") + "# by hand\n", "(generation 7-aaaaaa) was edited by hand"),
        (text("7-aaaaaa", Weight(2000)), "(generation 7-aaaaaa) was edited by hand"),
        (text("3-cccccc"), "an older file, of generation 3-cccccc, is at the gateway"),
        (text("8-bbbbbb")[:-20], "generation 8-bbbbbb, is broken"),
    ],
)
def test_anything_else_is(there: str | None, says: str) -> None:
    assert says in edited(there, KNOWN)


def test_each_cut_of_the_file_is_found() -> None:
    whole = KNOWN.text or ""
    for length in range(len(whole)):
        assert edited(whole[:length], KNOWN), length
        assert not intact(whole[:length])


# --- names ----------------------------------------------------------------------------------


def seen(can: Abilities = PLAIN, *, whole: bool = True, stable: str = STABLE) -> Surveyed:
    version = parse_version("nginx version: nginx/1.31.3")
    assert version is not None
    return Surveyed(version, {}, routing(stable), can, whole, at=0.0)


def host(**peers: tuple[str, ...]) -> FakeHost:
    names = {"canary": CANARY, "stable": STABLE}
    return FakeHost(known={names[one]: Located(at, None, "") for one, at in peers.items()})


def test_a_name_that_leads_where_it_did_has_not_moved() -> None:
    assert moved(host(canary=OLD), seen(), TEN) == ""


def test_a_canary_that_was_recreated_elsewhere_is_found() -> None:
    said = moved(host(canary=NEW), seen(), TEN)
    assert said == "app-canary:8001 is at 10.0.0.9:8001 now, was at 10.0.0.7:8001"


def test_another_server_behind_a_name_is_found_and_their_order_is_not() -> None:
    assert "10.0.0.9:8001" in moved(host(canary=(*OLD, *NEW)), seen(), TEN)
    two = Routing(
        "app", (Address("10.0.0.1:80"),), (Address(CANARY, peers=(*OLD, *NEW)),), "9180", 8
    )
    version = parse_version("nginx version: nginx/1.22.1")
    assert version is not None
    known = Surveyed(version, {}, two, PLAIN, whole=True, at=0.0)
    assert moved(host(canary=(*NEW, *OLD)), known, TEN) == ""


def test_a_name_that_does_not_resolve_just_now_has_not_moved() -> None:
    assert moved(host(), seen(), TEN) == ""


def test_stable_may_move_too() -> None:
    assert STABLE in moved(host(canary=OLD, stable=NEW), seen(), TEN)


def test_at_zero_nobody_asks_for_a_canary_that_was_never_looked_up() -> None:
    assert moved(host(canary=NEW), seen(whole=False), Weight.ZERO) == ""


def test_what_nginx_follows_by_itself_is_not_drift() -> None:
    at_full = moved(host(canary=NEW, stable=NEW), seen(FOLLOWS), Weight.FULL)
    assert at_full == ""


def test_a_host_out_of_reach_is_said() -> None:
    with pytest.raises(HostError, match="no route"):
        moved(FakeHost(unreachable="no route"), seen(), TEN)
