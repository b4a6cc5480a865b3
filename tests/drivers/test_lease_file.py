"""The lease at a gateway: one owner, whoever asks at the same instant, from any machine."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from canaryctl.core.control import Answer, Request, Verb
from canaryctl.core.errors import GatewayHeld, HostError, Superseded
from canaryctl.core.lease import Lease
from canaryctl.core.moment import Moment
from canaryctl.drivers.control_file import ControlFile
from canaryctl.drivers.lease_file import LeaseFile
from canaryctl.drivers.local_host import LocalHost
from canaryctl.ports import Lock, Performed, Step, Unlock, Write
from tests.fakes import FakeHost

LIVE = "/etc/nginx/conf.d/up.conf"
LEASE = Lease("r1", "me@here:1", "v1", 30.0)
OTHER = Lease("r2", "you@there:2", "v2", 30.0)


def test_the_second_is_told_who_holds_it() -> None:
    host = FakeHost()
    LeaseFile(host, LIVE, "a").take(LEASE)
    with pytest.raises(GatewayHeld, match=r"me@here:1 rolls v1 out .*r1.* in 30 s"):
        LeaseFile(host, LIVE, "b").take(OTHER)


def test_a_lease_that_ran_out_is_taken_over_and_its_owner_changes_nothing() -> None:
    host = FakeHost()
    first, second = LeaseFile(host, LIVE, "a"), LeaseFile(host, LIVE, "b")
    first.take(LEASE)
    host.moment = Moment("boot", 1031.0)
    before = second.take(OTHER)
    assert before.lease == LEASE
    there = dict(host.files)
    with pytest.raises(Superseded, match="you@there:2 holds it for rollout r2"):
        first.renew(replace(LEASE, beat=1))
    assert not first.mine()
    first.give_back()
    assert host.files == there


def test_a_renewed_lease_does_not_run_out() -> None:
    host = FakeHost()
    mine = LeaseFile(host, LIVE, "a")
    mine.take(LEASE)
    for beat in range(1, 10):
        host.moment = Moment("boot", 1000.0 + 10 * beat)
        mine.renew(replace(LEASE, beat=beat))
    assert mine.look().left == 30.0
    with pytest.raises(GatewayHeld):
        LeaseFile(host, LIVE, "b").take(OTHER)


def test_one_given_back_is_free() -> None:
    host = FakeHost()
    mine = LeaseFile(host, LIVE, "a")
    mine.take(LEASE)
    mine.give_back()
    assert LIVE + ".lease" not in host.files
    LeaseFile(host, LIVE, "b").take(OTHER)


def test_a_broken_lease_is_taken_over() -> None:
    host = FakeHost(files={LIVE + ".lease": "not json"})
    LeaseFile(host, LIVE, "b").take(OTHER)
    assert LeaseFile(host, LIVE, "c").look().lease == OTHER


def test_a_full_disk_is_an_error_of_the_host(tmp_path: Path) -> None:
    live = str(tmp_path / "none" / "up.conf")
    with pytest.raises(HostError, match=r"the lease .*up\.conf\.lease cannot be written"):
        LeaseFile(LocalHost(), live, "a").take(LEASE)


def test_of_many_at_the_same_instant_one_gets_it(tmp_path: Path) -> None:
    for round_ in range(20):
        live = str(tmp_path / f"{round_}.conf")
        together = threading.Barrier(4)
        got: list[str] = []

        def contend(name: str, live: str = live, together: threading.Barrier = together) -> None:
            lease = LeaseFile(LocalHost(), live, name)
            together.wait(10)
            try:
                lease.take(replace(LEASE, rollout=name))
            except GatewayHeld:
                return
            got.append(name)  # noqa: B023  the threads of a round end within it

        threads = [threading.Thread(target=contend, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 1
        there = LeaseFile(LocalHost(), live, "z").look().lease
        assert there is not None
        assert there.rollout == got[0]
        assert not list(tmp_path.glob("*.lease.*"))  # nothing staged is left


def test_a_lock_that_is_held_ends_what_needs_it_and_lets_the_rest_through(tmp_path: Path) -> None:
    lock, file = str(tmp_path / "lock"), str(tmp_path / "file")
    with Path(lock).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        host = LocalHost()
        done = host.perform([Lock(lock, 0.1), Write(file, "x")])
        assert done.completed == 0
        assert "another change held it for 0.1 s" in done.output
        steps: list[Step] = [Lock(lock, 0.1, needed=False), Write(file, "y"), Unlock()]
        assert host.perform(steps).completed == 3
    assert Path(file).read_text() == "y"
    assert host.perform([Lock(lock, 0.1), Write(file, "z")]).completed == 2


def test_the_desk_takes_requests_of_many_at_once(tmp_path: Path) -> None:
    live = str(tmp_path / "up.conf")

    def ask(name: str) -> None:
        ControlFile(LocalHost(), live, name).ask(Request(name, "r1", Verb.HOLD, name))

    threads = [threading.Thread(target=ask, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk = ControlFile(LocalHost(), live, "z")
    assert sorted(one.id for one in desk.read().requests) == list("abcd")
    desk.answer(Answer("a", True, "held"))
    assert sorted(one.id for one in desk.read().requests) == list("bcd")
    assert desk.read().answers["a"].said == "held"


def test_an_owner_knows_its_lease_when_only_the_answer_to_a_renewal_was_lost() -> None:
    host = FakeHost()
    mine = LeaseFile(host, LIVE, "a")
    mine.take(LEASE)
    renewed = LeaseFile(host, LIVE, "elsewhere")  # the same rollout's words, stamped later
    host.moment = Moment("boot", 1009.0)
    assert renewed.take_over(renewed.look(), replace(LEASE, beat=1))
    assert mine.mine()
    mine.give_back()
    assert mine.look().text is None


def test_a_lease_whose_last_renewal_was_not_answered_is_given_back() -> None:
    host = FakeHost()
    mine = LeaseFile(host, LIVE, "a")
    mine.take(LEASE)
    renewed = LeaseFile(host, LIVE, "elsewhere")
    host.moment = Moment("boot", 1009.0)
    assert renewed.take_over(renewed.look(), replace(LEASE, beat=1))
    mine.give_back()
    assert mine.look().text is None


class _AnswersLost(FakeHost):
    """Does what it is told, and then cannot be heard."""

    lost = False

    def perform(self, steps: Sequence[Step]) -> Performed:
        done = super().perform(steps)
        if self.lost:
            raise HostError("the connection was reset")
        return done


def test_the_fence_is_the_lease_as_it_stands_when_a_renewal_was_not_answered() -> None:
    host = _AnswersLost()
    mine = LeaseFile(host, LIVE, "a")
    mine.take(LEASE)
    host.lost = True
    host.moment = Moment("boot", 1009.0)
    with pytest.raises(HostError, match="reset"):
        mine.renew(replace(LEASE, beat=1))
    (fence,) = mine.fence()
    assert fence.content == host.files[f"{LIVE}.lease"]
    host.unreachable = "gone"
    with pytest.raises(HostError):
        mine.fence()


def test_what_a_killed_owner_had_staged_goes_when_its_lease_is_freed() -> None:
    host = FakeHost()
    LeaseFile(host, LIVE, "a").take(LEASE)
    host.files |= {f"{LIVE}.{one}.a": "half" for one in ("lease", "control", "promotion")}
    host.files[LIVE + ".else"] = "stays"
    guard = LeaseFile(host, LIVE, "b")
    assert not guard.free("another lease")
    assert LIVE + ".lease.a" in host.files  # its owner may be at work
    assert guard.free(guard.look().text)
    assert host.files == {LIVE + ".else": "stays"}


def test_what_a_killed_owner_had_staged_goes_though_it_never_had_a_lease() -> None:
    host = FakeHost()
    host.files |= {f"{LIVE}.lease.a": "half", LIVE + ".else": "stays"}
    guard = LeaseFile(host, LIVE, "b")
    host.held.add(f"{LIVE}.lock")
    guard.tidy()
    assert LIVE + ".lease.a" in host.files  # somebody is at work
    host.held.clear()
    guard.tidy()
    assert host.files == {LIVE + ".else": "stays"}
