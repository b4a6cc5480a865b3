"""Who lost the gateway changes nothing there, wherever in a change it slept."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from canaryctl.core.errors import HostError, Superseded, WeightRefused
from canaryctl.core.lease import Lease
from canaryctl.core.moment import Moment
from canaryctl.core.weight import Weight
from canaryctl.drivers.lease_file import LeaseFile
from canaryctl.drivers.nginx_control import Control
from canaryctl.drivers.nginx_held import Held
from canaryctl.drivers.template import Address
from canaryctl.ports import Mark, Performed, Step
from tests.drivers.gateways import Gateway, local_gateway
from tests.fakes import FakeHost

LIVE = "/etc/nginx/conf.d/up.conf"
LEASE = Lease("r1", "me@here:1", "v1", 30.0)
OTHER = Lease("r2", "you@there:2", "v2", 30.0)
MINE, THEIRS = Mark("v1", "r1", "me@here:1"), Mark("v2", "r2", "you@there:2")
FULL, HALF = Weight(10_000), Weight(5_000)


@pytest.fixture
def gateway(tmp_path: Path, nginx_binary: Path, free_port: Callable[[], int]) -> Iterator[Gateway]:
    stable, canary = (Address(f"127.0.0.1:{free_port()}") for _ in range(2))
    made = local_gateway(tmp_path, str(nginx_binary), free_port, [stable], [canary])
    assert made.site is not None
    made.router.set(Weight.ZERO, Mark(), None)
    yield made
    made.site.stop()


def _lease(gateway: Gateway, token: str) -> LeaseFile:
    return LeaseFile(gateway.made["host"], gateway.live, token)


def _there(gateway: Gateway) -> tuple[str, str | None]:
    return Path(gateway.live).read_text(), gateway.made["control"].ask().generation


def test_a_change_of_who_lost_the_gateway_is_refused(gateway: Gateway) -> None:
    mine, theirs = _lease(gateway, "a"), _lease(gateway, "b")
    mine.take(LEASE)
    gateway.router.fence = mine.fence
    gateway.router.set(HALF, MINE, None)
    assert theirs.take_over(theirs.look(), OTHER)
    before = _there(gateway)
    for expect in (None, before[1]):
        with pytest.raises(Superseded):
            gateway.router.set(Weight.ZERO, MINE, expect)
    assert _there(gateway) == before
    assert not list(Path(gateway.live).parent.glob(".canaryctl-*"))


def test_who_led_it_last_goes_back_when_the_lease_is_gone_and_nobody_decided(
    gateway: Gateway,
) -> None:
    mine = _lease(gateway, "a")
    mine.take(LEASE)
    gateway.router.fence = mine.fence
    gateway.router.set(HALF, MINE, None)
    Path(mine.path).unlink()  # a new container, say
    assert gateway.router.set(Weight.ZERO, MINE, None).weight == Weight.ZERO


def test_a_lease_that_nobody_can_read_keeps_nobody_from_going_back(gateway: Gateway) -> None:
    mine = _lease(gateway, "a")
    mine.take(LEASE)
    gateway.router.fence = mine.fence
    gateway.router.set(HALF, MINE, None)
    Path(mine.path).write_text("edited by hand")
    assert gateway.router.set(Weight.ZERO, MINE, None).weight == Weight.ZERO
    assert Path(mine.path).read_text() == "edited by hand"


def test_but_not_over_what_another_rollout_has_left(gateway: Gateway) -> None:
    mine = _lease(gateway, "a")
    mine.take(LEASE)
    gateway.router.fence = mine.fence
    gateway.router.set(HALF, MINE, None)
    Path(mine.path).unlink()
    gateway.fresh().set(FULL, THEIRS, None)
    before = _there(gateway)
    with pytest.raises(Superseded):
        gateway.router.set(Weight.ZERO, MINE, None)
    assert _there(gateway) == before


@dataclass(frozen=True)
class _Asleep(Control):
    """Sleeps before its proof for so long that it comes to nothing; meanwhile others act."""

    meanwhile: Callable[[], object] = lambda: None

    def prove(self, generation: str, within: float, held: Held | None = None) -> int:
        self.meanwhile()
        return super().prove(generation, within / 10, held)


def test_what_somebody_set_during_a_proof_is_not_taken_back(gateway: Gateway) -> None:
    control, other = gateway.made["control"], gateway.fresh()
    sleeper = gateway.fresh()
    sleeper.control = _Asleep(
        control.url, control.clock, meanwhile=lambda: other.set(FULL, THEIRS, None)
    )
    with pytest.raises(Superseded, match="somebody else changed the weights"):
        sleeper.set(HALF, MINE, None)
    seen = other.look()
    assert seen.weight == FULL
    assert seen.generation == seen.on_disk


def test_what_never_came_into_force_is_still_taken_back(gateway: Gateway) -> None:
    before = gateway.router.look()
    sleeper = gateway.fresh()
    sleeper.prove_within = 3.0
    sleeper.control = _Once(gateway.made["control"].url, gateway.made["control"].clock)
    with pytest.raises(WeightRefused, match="the previous configuration"):
        sleeper.set(HALF, MINE, None)
    assert gateway.router.look().weight == before.weight
    assert gateway.router.look().generation == before.generation


@dataclass(frozen=True)
class _Once(Control):
    """Fails its first proof only."""

    def prove(self, generation: str, within: float, held: Held | None = None) -> int:
        return super().prove(generation, 0.0 if held is not None else within)


def test_a_lock_that_a_sleeper_holds_is_passed_by_and_what_it_staged_is_gone(
    gateway: Gateway,
) -> None:
    folder = Path(gateway.live).parent
    staged = folder / ".canaryctl-sleeper.conf"
    staged.write_text("what it wanted")
    with Path(gateway.live + ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        gateway.router.set(HALF, MINE, None)
        assert not staged.exists()
        mine = _lease(gateway, "a")
        (folder / (Path(mine.path).name + ".sleeper")).write_text("x")
        mine.take(LEASE)
        mine.renew(replace(LEASE, beat=1))
        mine.give_back()
    assert sorted(path.name for path in folder.glob("*.lease*")) == []


def test_a_renewal_whose_answer_was_lost_is_recognised() -> None:
    host = FakeHost()
    mine = LeaseFile(host, LIVE, "a")
    mine.take(LEASE)
    real = host.perform

    def cut(steps: Sequence[Step]) -> Performed:
        real(steps)
        raise HostError("the connection was cut")

    host.perform = cut  # type: ignore[method-assign]
    with pytest.raises(HostError):
        mine.renew(replace(LEASE, beat=1))
    host.perform = real  # type: ignore[method-assign]
    mine.renew(replace(LEASE, beat=1, doing="observing"))
    found = mine.look().lease
    assert found is not None
    assert found.doing == "observing"
    assert mine.mine()


def test_who_sleeps_after_its_renewal_does_not_take_anothers_lease_for_its_own() -> None:
    host = FakeHost()
    mine, theirs = LeaseFile(host, LIVE, "a"), LeaseFile(host, LIVE, "b")
    mine.take(LEASE)
    real = host.read

    def asleep(path: str) -> str | None:
        host.read = real  # type: ignore[method-assign]
        host.moment = Moment("boot", 1100.0)
        theirs.take(OTHER)
        return real(path)

    host.read = asleep  # type: ignore[method-assign]
    with pytest.raises(Superseded, match="you@there:2"):
        mine.renew(replace(LEASE, beat=1))
    with pytest.raises(Superseded):
        mine.renew(replace(LEASE, beat=2))
    found = mine.look().lease
    assert found == OTHER
