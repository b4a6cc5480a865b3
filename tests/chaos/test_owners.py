"""A few kills, machines, races, sleepers and rollouts of the soak; all: ``make chaos``."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.figures import spread
from tests.chaos.growth import Growth, grown
from tests.chaos.kills import POINTS as MOMENTS
from tests.chaos.kills import Kills
from tests.chaos.machine import Machine
from tests.chaos.machine_gone import Gone
from tests.chaos.sleeper import POINTS, Sleeper
from tests.chaos.soak import Soak
from tests.chaos.soak_faults import HAPPENINGS
from tests.chaos.two_machines import Races, two
from tests.chaos.world import World, world

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="a machine of its own takes root")


@pytest.fixture(scope="module")
def w(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world"), rate=50, seconds=300) as running:
        yield running


@pytest.fixture(scope="module")
def machines(w: World) -> Iterator[tuple[Machine, Machine]]:
    with two(w) as both:
        yield both


@pytest.mark.alone
@pytest.mark.slow
def test_an_orchestrator_killed_at_any_moment_leaves_0_percent(w: World) -> None:
    kills = Kills(w, random.Random(7))  # noqa: S311
    kills.run(3, shown=False)
    assert len(kills.done) == 3
    assert [kill for kill in kills.done if kill.wrong] == []


@pytest.mark.alone
@pytest.mark.slow
def test_a_guard_beside_nginx_acts_when_the_machine_is_gone(w: World) -> None:
    gone = Gone(w, random.Random(3))  # noqa: S311
    try:
        gone.run(1)
    finally:
        gone.service.kill()
        w.started.remove(gone.service)
    assert gone.wrong == []
    assert sum(map(len, gone.seconds.values())) == 1


@ROOT
@pytest.mark.slow
def test_of_two_machines_one_leads(w: World, machines: tuple[Machine, Machine]) -> None:
    races = Races(w, machines)
    for _ in range(2):
        races.one()
    assert races.wrong == []
    assert races.won.total() == 2


@ROOT
@pytest.mark.slow
def test_a_sleeper_that_wakes_changes_nothing(w: World, machines: tuple[Machine, Machine]) -> None:
    sleeper = Sleeper(w, machines, random.Random(1))  # noqa: S311
    # Between the look and the swap, under the lock: its guard ends it.
    assert "exit   -9" in sleeper.one("before the swap of the weights 2", alone=True)


@ROOT
@pytest.mark.slow
def test_a_short_soak_ends_as_it_must(w: World, machines: tuple[Machine, Machine]) -> None:
    soak = Soak(w, machines, random.Random(1))  # noqa: S311
    for number, happening in enumerate(HAPPENINGS):
        if happening.name in ("gate fails", "abort"):
            soak.one(number, happening)
    soak.stage.close()
    assert soak.wrong == []
    assert sum(codes.total() for codes in soak.ends.values()) == 2


def test_what_has_grown_is_said(tmp_path: Path) -> None:
    me, place = {"me": os.getpid()}, {"here": tmp_path}
    first = Growth.of(0, me, place)
    for number in range(4):
        (tmp_path / str(number)).write_text("x")
    held = [(tmp_path / "0").open() for _ in range(5)]
    last = Growth.of(1, me, place)
    for one in held:
        one.close()
    assert list(grown(first, first)) == []
    assert [said.split(":")[0] for said in grown(first, last)] == [
        "descriptors of me",
        "files in here",
    ]


def test_points_of_a_course_have_names_of_their_own() -> None:
    assert len({name for name, _ in MOMENTS}) == len(MOMENTS)
    assert len(set(POINTS)) == len(POINTS)
    assert spread([1.0, 2.0, 9.0]) == "n=3, median 2.00 s, 99 % 9.00 s, worst 9.00 s"
