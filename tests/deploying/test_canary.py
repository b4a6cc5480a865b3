"""The canary's containers are touched only while NGINX answers 0 %; its logs are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from canaryctl.core.errors import HostError
from canaryctl.core.weight import Weight
from canaryctl.deploying.canary import CanaryDeployment
from canaryctl.deploying.failed import DeployFailed, Stopped
from canaryctl.ports import Host, InForce, Mark, Router, Worker
from tests.deploying.fakes import Heard, Project, container
from tests.deploying.server import Server
from tests.deploying.test_bring_up import made, never
from tests.fakes import FakeHost

ZERO = InForce("3-a", Weight.ZERO, Mark(), "3-a")


@dataclass
class Gateway:
    """Answers one thing."""

    answers: InForce = ZERO
    broken: str = ""
    asked: list[str] = field(default_factory=list)

    def look(self) -> InForce:
        if self.broken:
            raise HostError(self.broken)
        return self.answers


def deployment(
    project: Project, gateway: Gateway, url: str = "", host: Host | None = None, **more: Any
) -> tuple[CanaryDeployment, Heard]:
    bring_up, heard = made(project, url, **more)
    router = cast("Router", gateway)
    folder = project.base / "logs" / "r1"
    return CanaryDeployment(
        bring_up, router, host or FakeHost(), "v0.2.0", folder, drain_within=3.0
    ), heard


def test_the_good_way(tmp_path: Path) -> None:
    with Server() as server:
        canary, heard = deployment(Project(tmp_path), Gateway(), server.url)
        canary.begin(never)
    assert heard.steps("done")[:2] == ["gateway", "start"]


@pytest.mark.parametrize(
    ("answers", "said", "step"),
    [
        (
            InForce("3-a", Weight.FULL, Mark("v0.1.9"), "3-a"),
            r"the canary \(v0\.1\.9\) has 100 %",
            "promote",
        ),
        (InForce("3-a", Weight.ZERO, Mark(), "4-b"), "4-b is on disk", "recover"),
        (InForce(None, None, None, None, "no answer"), "no answer", "weights set 0"),
        (InForce(None, None, Mark(), "3-a", "no answer"), "no answer", "rollback"),
    ],
)
def test_a_canary_that_may_have_traffic_is_not_touched(
    tmp_path: Path, answers: InForce, said: str, step: str
) -> None:
    project = Project(tmp_path)
    with pytest.raises(DeployFailed, match=said) as caught:
        deployment(project, Gateway(answers))[0].begin(never)
    assert step in caught.value.next_step
    assert not project.asked
    assert not (tmp_path / ".env").exists()


def test_old_workers_are_waited_for(tmp_path: Path) -> None:
    project = Project(tmp_path)
    host = FakeHost(crew=lambda: (Worker(2, old=True, age=60.0, connections=4),))
    began = project.clock.now()
    with Server() as server:
        canary, heard = deployment(project, Gateway(), server.url, host)
        canary.begin(never)
    assert project.clock.now() - began >= 3.0
    (said,) = [said for how, step, said in heard.lines if (how, step) == ("done", "gateway")]
    assert "1 old workers with 4 connections are left" in said


def test_one_that_does_not_come_up_is_stopped_and_its_logs_are_kept(tmp_path: Path) -> None:
    project = Project(tmp_path, comes_up=lambda s, v: container(s, v, status="exited", exit_code=3))
    (tmp_path / ".env").write_text("DB_PASSWORD=hunter2hunter2\nCANARY_VERSION=v0.1.0\n")
    project.logs["app-canary"] = (
        b"2026-01-01T00:00:01Z listening\n"
        b"2026-01-01T00:00:02Z ERROR no row 17 for hunter2hunter2\n"
        b"2026-01-01T00:00:09Z ERROR no row 23 for hunter2hunter2\n"
    )
    canary, heard = deployment(project, Gateway())
    with pytest.raises(DeployFailed, match="exit code 3"):
        canary.begin(never)
    assert [one[0] for one in project.asked] == ["up", "stop"]
    kept = (tmp_path / "logs" / "r1" / "shop_app-canary_1.log").read_text()
    assert "ERROR no row 17" in kept
    assert "hunter2" not in kept
    summary = (tmp_path / "logs" / "r1" / "summary.txt").read_text()
    assert "2 × ERROR no row 17 for ***" in summary
    assert "from 2026-01-01T00:00:02Z to 2026-01-01T00:00:09Z" in summary
    assert "exited with exit code 3" in summary
    assert (tmp_path / "logs" / "r1").stat().st_mode & 0o777 == 0o700
    assert any("ERROR no row 17" in said for _, step, said in heard.lines if step == "logs")


def test_it_is_left_alone_where_its_traffic_is_in_doubt(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.there["app-canary"] = container("app-canary", "v0.2.0")
    canary, heard = deployment(project, Gateway(broken="the engine is gone"))
    canary.take_down(never)
    assert not project.asked
    assert heard.steps("note") == ["canary stays"]


def test_what_cannot_be_done_is_said_and_raises_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path, broken="compose is gone")
    project.there["app-canary"] = container("app-canary", "v0.2.0")
    (tmp_path / "logs").write_text("a file in the folder's place")
    canary, heard = deployment(project, Gateway())
    canary.take_down(never)
    assert heard.steps("failed") == ["logs", "stop"]


def test_of_a_canary_that_was_taken_over_older_logs_are_kept_too(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.there["app-canary"] = container("app-canary", "v0.2.0")
    canary, _ = deployment(project, Gateway())
    canary.adopt(1000.0)
    canary.take_down(never)
    assert project.since == [940.0]
    assert [one[0] for one in project.asked] == ["stop"]
    canary.adopt(0.0)  # nobody knows since when
    canary.folder = tmp_path / "logs" / "r2"
    canary.take_down(never)
    assert project.since == [940.0, 0.0]


def test_who_asks_to_stop_while_old_workers_drain_touches_no_container(tmp_path: Path) -> None:
    """What they still serve may be the canary's."""
    host, project = FakeHost(), Project(tmp_path)
    host.crew = lambda: [Worker(7, old=True, age=60.0, connections=3)]
    canary, _ = deployment(project, Gateway(), host=host)
    with pytest.raises(Stopped, match="Ctrl-C"):
        canary.begin(lambda: "Ctrl-C")
    assert project.asked == []
