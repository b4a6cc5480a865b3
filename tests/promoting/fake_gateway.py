"""A gateway and a project in memory, in which a promotion can be killed at every single act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from canaryctl.config.promotion import PromotionModel
from canaryctl.core.control import Answer, Desk
from canaryctl.core.drained import Drained
from canaryctl.core.lease import Lease, OnAbandon
from canaryctl.core.promotion_record import Record
from canaryctl.core.weight import Weight
from canaryctl.deploying.bring_up import BringUp
from canaryctl.deploying.requests import Requests
from canaryctl.deploying.side import Side
from canaryctl.deploying.teller import Steps
from canaryctl.drivers.lease_file import LeaseFile
from canaryctl.drivers.promotion_file import PromotionFile
from canaryctl.drivers.tenure import GatewayTenure
from canaryctl.ports import InForce, Mark, Proof, Worker
from canaryctl.promoting.ended import Ended
from canaryctl.promoting.promotion import Promotion
from canaryctl.wiring import Build
from tests.deploying.fakes import Heard, Project, Runs, container
from tests.fakes import FakeHost

LIVE = "/etc/nginx/conf.d/up.conf"
RELEASE = "v0.2.0"


class Killed(BaseException):
    """``kill -9``: nothing of the process goes on."""


class Guardian:
    """Is always there."""

    def ready(self) -> None:
        """It is."""

    def beat(self) -> None:
        """Fine."""


class NoDesk:
    """Nobody asks anything."""

    def read(self) -> Desk:
        return Desk()

    def answer(self, answer: Answer) -> None:
        """Nobody hears it."""


@dataclass
class World:
    """After a rollout that succeeded: the canary has 100 %, stable is the old version.

    Attributes:
        kill_at: which act is the last one; None: none is.
        before: it is killed before that act, not after it.
        lost: what a request would have met, act by act.
        acts: what was done.
    """

    base: Path
    kill_at: int | None = None
    before: bool = True
    acts: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    watched: Ended | None = None
    refused: str = ""
    stopped: str | None = None
    ill: str = ""

    def __post_init__(self) -> None:
        """Bring it up."""
        self.project = Project(self.base)
        self.host = FakeHost()
        self.weight, self.mark, self.number = Weight.FULL, Mark(RELEASE, "r1", "me", "stage 1"), 1
        self.project.there = {
            "app": container("app", "v0.1.0"),
            "app-canary": container("app-canary", RELEASE),
        }
        (self.base / ".env").write_text("PRODUCTION_VERSION=v0.1.0\n")
        self.runs = 0

    def act(self, name: str, do: Callable[[], Any]) -> Any:
        """Do something that a kill may come before, or after."""
        number = len(self.acts)
        self.acts.append(name)
        if self.kill_at == number and self.before:
            raise Killed
        result = do()
        self._check(name)
        if self.kill_at == number:
            raise Killed
        return result

    def _check(self, name: str) -> None:
        """See what requests would meet now."""
        stable, canary = self.project.there.get("app"), self.project.there.get("app-canary")
        if self.weight < Weight.FULL and (stable is None or stable.status != "running"):
            self.lost.append(f"{name}: stable has traffic and is {stable}")
        if self.weight > Weight.ZERO and (canary is None or canary.status != "running"):
            self.lost.append(f"{name}: the canary has traffic and is {canary}")

    # The parts of a Router that a promotion uses.
    def look(self) -> InForce:
        name = f"{self.number}-a"
        return InForce(name, self.weight, self.mark, name)

    def forget(self) -> None:
        """Nothing was remembered."""

    def set(self, weight: Weight, mark: Mark, expect: str | None) -> Proof:
        assert expect is None

        def changed() -> None:
            self.weight, self.mark, self.number = weight, mark, self.number + 1

        self.act(f"weight {weight}", changed)
        return Proof(f"{self.number}-a", weight, 0.1, 3)

    def drained(self, within: float, alive: Callable[[], object] = lambda: None) -> Drained:
        alive()
        self.act("drained", lambda: self.project.clock.sleep(within))
        return Drained(0, 0, 0.1, 0.1)

    def promotion(self, **model: Any) -> Promotion:
        """Give a new run, as another process would have it; the lease of the one before ran out."""
        self.runs += 1
        name = f"p{self.runs}"
        lease_file = LeaseFile(self.host, LIVE, name)
        self.host.files.pop(f"{LIVE}.lease", None)
        lease = Lease(name, f"me@here:{self.runs}", RELEASE, 30.0, on_abandon=OnAbandon.HOLD)
        tenure = GatewayTenure(lease_file, lease, self.project.clock, Guardian())
        tenure.take()
        build = SimpleNamespace(
            router=self,
            promotion=ActingFile(PromotionFile(self.host, LIVE, name, lease_file.fence), self),
            desk=NoDesk(),
            clock=self.project.clock,
            attempts=None,
            host=self.host,
            base=self.base,
            config=SimpleNamespace(service="shop", gateway=SimpleNamespace(drain_within=5.0)),
        )
        self.host.crew = lambda: (Worker(2, old=False, age=60.0, connections=None),)
        self.heard = Heard()
        steps = Steps(self.heard, self.project.clock)
        return Promotion(
            build=cast("Build", build),
            release=RELEASE,
            model=PromotionModel(**model),
            stable=self._bring_up("stable", steps),
            canary=self._bring_up("canary", steps),
            steps=steps,
            tenure=tenure,
            run=name,
            owner=lease.owner,
            watch=lambda _: self.act("watch", lambda: self.watched),
            stopped=lambda: self.stopped,
            allowed=lambda _: self.refused,
        )

    def _bring_up(self, name: str, steps: Steps) -> BringUp:
        side = self.project.side(name)
        assert isinstance(side.compose, Runs)
        acting = ActingRuns(side.compose.project, self.project.clock, 60.0, {}, self.project, self)
        side = Side(side.name, side.services, side.variable, side.env, acting, side.containers)
        requests = Always(lambda: ("http://there",), "/health", self.project.clock, name)
        requests.world.append(self)
        return BringUp(side, requests, tuple, None, 2, 10.0, steps, patient=True)


@dataclass(frozen=True)
class Always(Requests):
    """Is well, unless the world says that stable is ill."""

    world: list[World] = field(default_factory=list)

    def probe(self) -> str:
        (world,) = self.world
        return world.ill if self.where == "stable" else ""

    def warm_up(self, count: int, within: float, tick: Callable[[], object]) -> str:  # noqa: ARG002
        tick()
        return f"{count} requests"


@dataclass(frozen=True, slots=True)
class ActingRuns(Runs):
    """Compose, whose runs a kill may come before or after."""

    acting: World | None = None

    def __call__(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        tick: Callable[[], object] = lambda: None,
    ) -> str:
        assert self.acting is not None
        done = self.acting.act(
            " ".join(arguments), lambda: Runs.__call__(self, *arguments, env=env, tick=tick)
        )
        return str(done)


@dataclass(frozen=True)
class ActingFile:
    """The record, whose changes a kill may come before or after."""

    file: PromotionFile
    world: World

    def look(self) -> Record | None:
        return self.file.look()

    def write(self, record: Record) -> None:
        self.world.act(f"record {record.phase}", lambda: self.file.write(record))

    def clear(self) -> None:
        self.world.act("record cleared", self.file.clear)
