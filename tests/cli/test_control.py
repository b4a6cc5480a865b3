"""What is said, and left at the gateway, when a rollout does not answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from canaryctl.cli.control import WITHIN, ask
from canaryctl.core.control import Answer, Desk, Request, Verb
from canaryctl.core.errors import HostError, NoRollout
from canaryctl.core.lease import Lease
from canaryctl.drivers.control_file import ControlFile
from canaryctl.drivers.lease_file import LeaseFile
from canaryctl.drivers.local_host import LocalHost
from tests.fake_world import FakeClock
from tests.fakes import FakeHost

if TYPE_CHECKING:
    from canaryctl.wiring import Build

ROLLOUT = Lease("r1", "me@here:1", "v1", 30.0)
OTHERS = Request("q0", "r1", Verb.PAUSE, "you@there")


@dataclass(frozen=True)
class SlowDesk(ControlFile):
    """A desk at which something happens just before, or after, a request is withdrawn."""

    happens: dict[str, Callable[[Request], None]] = field(default_factory=dict)

    def withdraw(self, request: Request) -> None:
        for moment in ("before", "after"):
            if (act := self.happens.get(moment)) is not None:
                act(request)
            if moment == "before":
                super().withdraw(request)


class Site:
    """A gateway whose rollout hears nothing."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.lease = LeaseFile(FakeHost(), "/up.conf", "a")
        self.lease.take(ROLLOUT)
        self.desk = SlowDesk(LocalHost(), str(folder / "up.conf"), "t")
        self.desk.ask(OTHERS)

    def ask(self, verb: Verb) -> Answer:
        return ask(cast("Build", self), verb, "")

    def left(self) -> Desk:
        return self.desk.read()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.ABORT])
def test_what_is_not_answered_is_withdrawn(site: Site, verb: Verb) -> None:
    with pytest.raises(NoRollout) as caught:
        site.ask(verb)
    assert str(caught.value).startswith(
        f"rollout r1 of me@here:1 did not answer within {WITHIN:g} s ({verb}); "
        "the request was withdrawn, and nothing was changed"
    )
    assert "ask again" in str(caught.value.next_step)
    assert site.left() == Desk((OTHERS,)), "nobody else's request is touched"


def test_an_abort_stays_until_it_is_heard(site: Site) -> None:
    with pytest.raises(NoRollout, match="the request stays") as caught:
        site.ask(Verb.ABORT)
    assert "`canaryctl rollback` sets 0 % now" in str(caught.value.next_step)
    assert [one.verb for one in site.left().requests] == [Verb.PAUSE, Verb.ABORT]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_what_was_done_in_that_moment_is_told(site: Site, moment: str) -> None:
    def done(request: Request) -> None:
        site.desk.answer(Answer(request.id, accepted=True, said="skipped"))

    site.desk.happens[moment] = done
    assert site.ask(Verb.ADVANCE).said == "skipped"
    assert site.left().requests == (OTHERS,)


def test_what_cannot_be_withdrawn_is_not_said_to_be(site: Site) -> None:
    def unreachable(_: Request) -> None:
        raise HostError("no route")

    site.desk.happens["before"] = unreachable
    with pytest.raises(NoRollout, match="is not known: no route") as caught:
        site.ask(Verb.ADVANCE)
    assert "it may still be done" in str(caught.value.next_step)
