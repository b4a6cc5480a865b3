"""A promotion, killed at every single act and run again: promoted, and no request was lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from canaryctl.core.errors import TrafficUnknown
from canaryctl.core.promotion import Next, Phase
from canaryctl.core.promotion_record import Record
from canaryctl.core.weight import Weight
from canaryctl.deploying.failed import DeployFailed
from canaryctl.drivers.promotion_file import PromotionFile
from canaryctl.ports import Mark, Worker
from canaryctl.promoting.ended import Ended, FreshStableFailed, NotPromotable, Outcome
from canaryctl.promoting.sight import refusal
from tests.deploying.fakes import container
from tests.promoting.fake_gateway import LIVE, RELEASE, Killed, World

GOOD = [
    *("record watching", "watch", "record replacing", "up -d --no-deps app", "record returning"),
    *("weight 50", "weight 0", "record clearing", "drained", "rm --stop --force app-canary"),
    "record cleared",
]


def run(world: World) -> Ended:
    one = world.promotion()
    return one(one.sight())


def record(world: World) -> Phase | None:
    found = PromotionFile(world.host, LIVE, "t").look()
    return found.phase if found else None


def is_promoted(world: World) -> None:
    assert world.weight == Weight.ZERO
    assert world.project.there["app"].image == f"shop/app:{RELEASE}"
    assert "app-canary" not in world.project.there
    assert (world.base / ".env").read_text() == f"PRODUCTION_VERSION={RELEASE}\n"
    lines = (world.base / "deployments.tsv").read_text().splitlines()
    assert [line.split("\t")[2:4] for line in lines[1:]] == [["v0.1.0", RELEASE]]
    assert record(world) is None
    assert world.promotion().sight().first is Next.NOTHING


def test_the_good_way(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert run(world).outcome is Outcome.PROMOTED
    assert world.acts == GOOD
    assert not world.lost
    is_promoted(world)


@pytest.mark.parametrize("looks", [3, None], ids=["they end", "they hold streams"])
def test_stable_is_replaced_when_no_worker_asks_it_any_more(
    tmp_path: Path, looks: int | None
) -> None:
    world = World(tmp_path)
    promotion = world.promotion()
    seen: list[list[str]] = []

    def crew() -> tuple[Worker, ...]:
        seen.append(list(world.acts))
        there = looks is None or len(seen) <= looks
        return (Worker(1, old=True, age=9.0, connections=1),) if there else ()

    world.host.crew = crew
    assert promotion(promotion.sight()).outcome is Outcome.PROMOTED
    bounded = int(promotion.build.config.gateway.drain_within / 0.5)
    waited = [acts for acts in seen if "up -d --no-deps app" not in acts]
    assert len(waited) == (bounded + 1 if looks is None else looks + 1)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("at", range(len(GOOD)), ids=lambda n: GOOD[n].replace(" ", "-"))
def test_killed_anywhere_it_is_finished_by_the_next_run(
    tmp_path: Path, at: int, before: bool
) -> None:
    world = World(tmp_path, kill_at=at, before=before)
    with pytest.raises(Killed):
        run(world)
    world.kill_at = None
    if (at, before) == (len(GOOD) - 1, False):
        is_promoted(world)  # nothing was left to do
        return
    assert run(world).outcome is Outcome.PROMOTED
    assert not world.lost
    is_promoted(world)


@pytest.mark.parametrize("second", range(6))
@pytest.mark.parametrize("first", range(3, len(GOOD) - 1))
def test_killed_twice(tmp_path: Path, first: int, second: int) -> None:
    world = World(tmp_path, kill_at=first)
    with pytest.raises(Killed):
        run(world)
    world.kill_at = len(world.acts) + second
    try:
        run(world)
    except Killed:
        world.kill_at = None
        run(world)
    assert not world.lost
    is_promoted(world)


def test_a_stable_that_does_not_come_up_leaves_the_canary_all_traffic(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.project.comes_up = lambda s, v: container(s, v, status="exited", exit_code=1)
    with pytest.raises(DeployFailed, match="exit code 1"):
        run(world)
    assert (world.weight, record(world)) == (Weight.FULL, Phase.REPLACING)
    assert not world.lost
    world.project.comes_up = container
    assert run(world).outcome is Outcome.PROMOTED
    is_promoted(world)


@pytest.mark.parametrize("at", ["weight 50", "weight 0"])
def test_a_fresh_stable_that_fails_loses_its_traffic_again(tmp_path: Path, at: str) -> None:
    world = World(tmp_path)
    one = world.promotion()
    original = world.set

    def set_(weight: Weight, mark: Mark, expect: str | None) -> object:
        proof = original(weight, mark, expect)
        world.ill = "503" if f"weight {weight}" == at else world.ill
        return proof

    world.set = set_  # type: ignore[method-assign, assignment]
    with pytest.raises(FreshStableFailed, match=r"503.*the canary has all traffic again"):
        one(one.sight())
    assert (world.weight, record(world)) == (Weight.FULL, Phase.REPLACING)
    assert world.acts[-2:] == ["record replacing", "weight 100"]
    world.ill = ""
    world.set = original  # type: ignore[method-assign]
    assert run(world).outcome is Outcome.PROMOTED
    is_promoted(world)


def test_killed_on_the_way_back_to_the_canary(tmp_path: Path) -> None:
    world = World(tmp_path, kill_at=GOOD.index("weight 0"), before=False)
    with pytest.raises(Killed):
        run(world)
    world.ill = "503"  # what was proven is so no more
    world.kill_at, world.before = len(world.acts) + 1, True
    with pytest.raises(Killed):
        run(world)
    assert (world.weight, record(world)) == (Weight.ZERO, Phase.REPLACING)
    world.kill_at, world.ill = None, ""
    begins = len(world.acts)
    assert run(world).outcome is Outcome.PROMOTED
    assert world.acts[begins] == "weight 100"
    is_promoted(world)


def test_without_a_canary_nobody_can_take_over(tmp_path: Path) -> None:
    world = World(tmp_path, kill_at=GOOD.index("weight 50"), before=False)
    with pytest.raises(Killed):
        run(world)
    world.kill_at, world.ill = None, "503"
    gone = replace(world.project.there["app-canary"], status="exited")
    world.project.there["app-canary"] = gone
    with pytest.raises(TrafficUnknown, match=r"503.*no container of app-canary runs"):
        run(world)
    assert record(world) is Phase.REPLACING


def test_a_watch_that_ends_badly_touches_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, watched=Ended(Outcome.ROLLED_BACK, "gate failed", 1))
    assert run(world).exit_code == 1
    assert not world.project.asked
    assert record(world) is None


def test_a_watch_that_was_interrupted_is_begun_anew(tmp_path: Path) -> None:
    world = World(tmp_path, watched=Ended(Outcome.ABORTED, "Ctrl-C", 130))
    assert run(world).exit_code == 130
    assert record(world) is Phase.WATCHING
    world.watched = None
    assert run(world).outcome is Outcome.PROMOTED


def test_a_watch_that_was_aborted_is_over_and_so_are_its_approvals(tmp_path: Path) -> None:
    world = World(tmp_path, watched=Ended(Outcome.ABORTED, "aborted: by you", 130))
    one = world.promotion()
    sight = one.sight()
    world.weight = Weight.ZERO  # as the control `abort` leaves it
    assert one(sight).exit_code == 130
    assert record(world) is None


def approved(world: World) -> Record:
    """Leave a promotion in its watch, approved."""
    world.kill_at = GOOD.index("watch")
    with pytest.raises(Killed):
        run(world)
    world.kill_at = None
    file = PromotionFile(world.host, LIVE, "t")
    found = file.look()
    assert found is not None
    given = replace(found, approvals={"product": "you"})
    file.write(given)
    return given


@pytest.mark.parametrize("rollout", ["r1", "p1"], ids=["its rollout's", "its own"])
def test_approvals_of_this_rollout_are_kept(tmp_path: Path, rollout: str) -> None:
    world = World(tmp_path)
    given = approved(world)
    world.mark = replace(world.mark, rollout=rollout)
    assert world.promotion().sight().record == given


@pytest.mark.parametrize("release", [RELEASE, "v0.3.0"])
def test_approvals_of_an_earlier_rollout_do_not_count(tmp_path: Path, release: str) -> None:
    world = World(tmp_path)
    approved(world)
    world.mark = Mark(release, "r2", "me", "stage 1")
    one = world.promotion()
    one.release = release
    sight = one.sight()
    assert (sight.record, sight.first) == (None, Next.WATCH)


def test_a_hook_that_refuses_is_a_failed_gate(tmp_path: Path) -> None:
    world = World(tmp_path, refused="freeze: exit code 1")
    ended = run(world)
    assert (ended.outcome, ended.exit_code) == (Outcome.ROLLED_BACK, 1)
    assert world.weight == Weight.ZERO
    assert not world.project.asked


@pytest.mark.parametrize("refused", ["", "freeze: it was ended before its end"])
@pytest.mark.parametrize("when", ["watch", "hook"])
def test_ctrl_c_beside_the_watch_touches_nothing(tmp_path: Path, when: str, refused: str) -> None:
    world = World(tmp_path, stopped="Ctrl-C (SIGINT)" if when == "watch" else None)
    asked: list[str] = []

    def allowed(_: Callable[[], object]) -> str:
        asked.append("hook")
        world.stopped = "Ctrl-C (SIGINT)"
        return refused

    one = world.promotion()
    one.allowed = allowed
    ended = one(one.sight())
    assert (ended.outcome, ended.exit_code) == (Outcome.ABORTED, 130)
    assert ended.reason == ("interrupted: Ctrl-C (SIGINT); 100 % stay; stable was not touched")
    assert asked == (["hook"] if when == "hook" else [])
    assert (world.weight, record(world)) == (Weight.FULL, Phase.WATCHING)
    assert not world.project.asked


@pytest.mark.parametrize(
    ("weight", "mark", "said"),
    [
        (Weight.ZERO, Mark(RELEASE, "r1"), "not rolled out"),
        (Weight.parse(50), Mark(RELEASE, "r1"), "not rolled out"),
        (Weight.FULL, Mark("v0.1.9", "r1"), "the canary of v0.1.9 has 100 %"),
        (Weight.FULL, Mark(RELEASE), "by a rollout that succeeded"),
    ],
)
def test_anything_else_cannot_be_promoted(
    tmp_path: Path, weight: Weight, mark: Mark, said: str
) -> None:
    world = World(tmp_path)
    world.weight, world.mark = weight, mark
    sight = world.promotion().sight()
    assert not sight.first.goes_on
    error = refusal(sight, RELEASE)
    assert said in str(error)
    assert "canaryctl rollout" in error.next_step


def test_a_promotion_that_was_rolled_back_says_so(tmp_path: Path) -> None:
    world = World(tmp_path, kill_at=GOOD.index("watch"))
    with pytest.raises(Killed):
        run(world)
    world.weight, world.mark = Weight.ZERO, Mark(owner="you@there:1", reason="rollback: orders")
    sight = world.promotion().sight()
    assert sight.first is Next.ROLLED_BACK
    assert "rollback: orders" in str(refusal(sight, RELEASE))


def test_another_versions_promotion_has_to_end_first(tmp_path: Path) -> None:
    world = World(tmp_path, kill_at=GOOD.index("watch"))
    with pytest.raises(Killed):
        run(world)
    other = world.promotion()
    other.release = "v0.3.0"
    with pytest.raises(NotPromotable, match=r"v0\.2\.0 is being promoted here") as caught:
        other.sight()
    assert "promote --version v0.2.0" in caught.value.next_step


def test_a_canary_may_stay(tmp_path: Path) -> None:
    world = World(tmp_path)
    one = world.promotion(remove_canary=False, log="log.md", steps=[90, 10])
    assert one(one.sight()).outcome is Outcome.PROMOTED
    assert "app-canary" in world.project.there
    assert [act for act in world.acts if act.startswith("weight")] == [
        *("weight 90", "weight 10", "weight 0")
    ]
