"""What a version has to pass before it gets traffic; each failure names its step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from canaryctl.config import load
from canaryctl.core.errors import ConfigError, Superseded
from canaryctl.core.series import Version
from canaryctl.deploying.bring_up import BringUp
from canaryctl.deploying.failed import DeployFailed, Stopped
from canaryctl.deploying.requests import Requests
from canaryctl.deploying.side import Tick
from canaryctl.deploying.smoke_step import SmokeStep
from canaryctl.deploying.teller import Steps
from canaryctl.deploying.told_version import told
from canaryctl.drivers.compose_containers import Container
from canaryctl.ports import Identified
from tests.deploying.fakes import Heard, Project, container
from tests.deploying.server import Server
from tests.fake_world import FakeClock


def passed(_: Tick) -> str:
    return "9 steps passed"


def never() -> None:
    return None


def made(
    project: Project,
    url: str,
    *,
    identify: Callable[[], Sequence[Identified]] = tuple,
    smoke: Callable[[Tick], str] | None = passed,
    name: str = "canary",
) -> tuple[BringUp, Heard]:
    heard = Heard()
    requests = Requests(lambda: (url,) if url else (), "/health", project.clock, "app-canary:8001")
    steps = Steps(heard, project.clock)
    return BringUp(project.side(name), requests, identify, smoke, 5, 10.0, steps), heard


def test_the_good_way(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with Server() as server:
        bring_up, heard = made(project, server.url)
        bring_up("v0.2.0", never)
        assert server.paths == ["/health"] * 6
    assert heard.steps("done") == ["start", "healthy", "version", "warm-up", "smoke test"]
    assert project.asked == [("up", "-d", "--no-deps", "app-canary")]
    assert project.environments == [{"CANARY_VERSION": "v0.2.0"}]
    assert (tmp_path / ".env").read_text() == "CANARY_VERSION=v0.2.0\n"


def test_another_value_in_the_shell_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY_VERSION", "v0.1.9")
    project = Project(tmp_path)
    with Server() as server:
        bring_up, heard = made(project, server.url)
        bring_up("v0.2.0", never)
    (note,) = [said for how, _, said in heard.lines if how == "note"]
    assert "CANARY_VERSION=v0.1.9" in note


def ended(**more: object) -> Callable[[str, str], Container]:
    return lambda service, release: container(service, release, **more)


@pytest.mark.parametrize(
    ("comes_up", "said"),
    [
        (ended(status="exited", exit_code=3), "exited with exit code 3; it said last: no database"),
        (ended(status="restarting", exit_code=1), "restarting with exit code 1"),
        (ended(status="dead", killed=True), "out of memory"),
    ],
)
def test_one_that_ends_is_told_at_once(
    tmp_path: Path, comes_up: Callable[[str, str], Container], said: str
) -> None:
    project = Project(tmp_path, comes_up=comes_up)
    project.logs["app-canary"] = b"2026-01-01T00:00:00Z no database\n"
    began = project.clock.now()
    bring_up, heard = made(project, "")
    with pytest.raises(DeployFailed, match=f"healthy: .*{said}"):
        bring_up("v0.2.0", never)
    assert project.clock.now() - began < 1
    assert heard.steps("failed") == ["healthy"]


@pytest.mark.parametrize(
    ("comes_up", "said"),
    [
        (ended(health="unhealthy", health_said="503"), "health check says unhealthy: 503"),
        (ended(status="created"), "is created"),
        (container, "app-canary:8001 has no address yet"),
    ],
)
def test_one_that_does_not_become_healthy_is_waited_for(
    tmp_path: Path, comes_up: Callable[[str, str], Container], said: str
) -> None:
    project = Project(tmp_path, comes_up=comes_up)
    began = project.clock.now()
    with pytest.raises(DeployFailed, match=f"not within 10 s: .*{said}"):
        made(project, "")[0]("v0.2.0", never)
    assert project.clock.now() - began >= 10


def test_a_restart_meanwhile_is_told(tmp_path: Path) -> None:
    project = Project(tmp_path)
    bring_up, _ = made(project, "")
    looks = 0

    def restarted() -> None:
        nonlocal looks
        looks += 1
        if looks > 3:
            project.there["app-canary"] = replace(project.there["app-canary"], restarts=2)

    with pytest.raises(DeployFailed, match="was restarted 2 times"):
        bring_up("v0.2.0", restarted)


def test_a_bad_answer_is_said_with_its_status(tmp_path: Path) -> None:
    with Server(status=503) as server, pytest.raises(DeployFailed, match="answered 503"):
        made(Project(tmp_path), server.url)[0]("v0.2.0", never)


WRONG = Identified("a:1", "10.0.0.2:1", right=False, said="a:1 says 'v0.1.0', not 'v0.2.0'")
RIGHT = Identified("a:1", "10.0.0.2:1", right=True, said="a:1 says 'v0.2.0'")


@pytest.mark.parametrize(
    ("comes_up", "asked", "said"),
    [
        (lambda s, _: container(s, "v0.1.0"), (), "runs shop/app:v0.1.0, not v0.2.0"),
        (container, (WRONG,), "says 'v0.1.0'"),
        (lambda s, _: container(s, "latest"), (), "names no version"),
        (ended(tagged="another"), (), "runs an older image"),
    ],
)
def test_another_version_is_refused(
    tmp_path: Path,
    comes_up: Callable[[str, str], Container],
    asked: tuple[Identified, ...],
    said: str,
) -> None:
    project = Project(tmp_path, comes_up=comes_up)
    with Server() as server, pytest.raises(DeployFailed, match=f"version: .*{said}"):
        made(project, server.url, identify=lambda: asked)[0]("v0.2.0", never)


def test_an_image_that_no_gate_has_judged_is_refused(tmp_path: Path) -> None:
    """The same tag, pushed again since, say."""
    project = Project(tmp_path)
    judged = replace(container("app", "v0.2.0"), image_id="sha256:judged")
    with Server() as server:
        bring_up, heard = made(project, server.url)
        with pytest.raises(DeployFailed, match=r"sha256:judged.*no gate has seen") as caught:
            bring_up("v0.2.0", never, [judged])
    assert caught.value.step == "version"
    assert heard.steps("done") == ["start", "healthy"]


def test_a_gateway_that_is_lost_is_no_failure_of_a_step(tmp_path: Path) -> None:
    """Its containers are somebody else's by then: nobody may take them down for that."""
    project = Project(tmp_path)

    def lost() -> None:
        raise Superseded("you@there:2 holds it")

    with Server() as server, pytest.raises(Superseded):
        made(project, server.url)[0]("v0.2.0", lost)


def test_an_image_that_names_no_version_needs_a_proof(tmp_path: Path) -> None:
    project = Project(tmp_path, comes_up=lambda s, _: container(s, "latest"))
    with Server() as server:
        made(project, server.url, identify=lambda: (RIGHT,))[0]("v0.2.0", never)
        like = (container("app-canary", "latest"),)
        made(project, server.url)[0]("v0.2.0", never, like)


def test_a_smoke_test_that_fails_fails_the_deployment(tmp_path: Path) -> None:
    def smoke(_: Tick) -> str:
        raise DeployFailed("smoke test", "'create' (POST /dna/create): 500")

    with Server() as server:
        bring_up, heard = made(Project(tmp_path), server.url, smoke=smoke)
        with pytest.raises(DeployFailed, match="smoke test: 'create'"):
            bring_up("v0.2.0", never)
    assert heard.steps("failed") == ["smoke test"]


def test_compose_that_fails_is_said(tmp_path: Path) -> None:
    project = Project(tmp_path, broken="`compose up` ended with code 1: no such image")
    with pytest.raises(DeployFailed, match=r"start: .*no such image") as caught:
        made(project, "")[0]("v0.2.0", never)
    assert caught.value.exit_code == 4
    assert not (tmp_path / ".env").exists()
    for before in ('CANARY_VERSION="v0.1.0" # it\r\n', "OTHER=1"):
        (tmp_path / ".env").write_bytes(before.encode())
        with pytest.raises(DeployFailed):
            made(project, "")[0]("v0.2.0", never)
        # A later `up` by hand keeps what runs.
        assert (tmp_path / ".env").read_bytes() == before.encode()


def test_somebody_who_stops_it_is_heard_between_the_steps(tmp_path: Path) -> None:
    with Server() as server, pytest.raises(Stopped, match="Ctrl-C") as caught:
        made(Project(tmp_path), server.url)[0]("v0.2.0", lambda: "Ctrl-C")
    assert caught.value.exit_code == 130


def test_somebody_who_stops_it_while_it_waits_is_heard(tmp_path: Path) -> None:
    asked = iter([None, None, None])

    def tick() -> str | None:
        return next(asked, "Ctrl-C")

    with Server(status=503) as server, pytest.raises(Stopped, match="Ctrl-C"):
        made(Project(tmp_path), server.url)[0]("v0.2.0", tick)
    ended = Project(tmp_path, broken="`compose up` was stopped")
    with pytest.raises(Stopped, match="Ctrl-C"):
        made(ended, "")[0]("v0.2.0", lambda: "Ctrl-C")


def test_a_smoke_suite_with_a_mistake_is_told_before_anything_begins(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text("name: x\nsteps: [{name: a, request: {path: /}, x: 1}]\n")
    (tmp_path / "canary.yaml").write_text(
        "service: shop\nversions: {stable: {address: 'a:1'}, canary: {address: 'b:1'}}\n"
        "gateway: {driver: local, config: /etc/nginx/up.conf, verify: 'http://127.0.0.1:9'}\n"
        "metrics: {provider: prometheus, url: 'http://a:1'}\n"
        "smoke: {suite: suite.yaml}\n"
    )
    config = load(tmp_path / "canary.yaml")
    with pytest.raises(ConfigError, match=r"suite.yaml:2: steps\[0\].x: unknown key"):
        SmokeStep.of(config, tmp_path, Version.CANARY, FakeClock())


@pytest.mark.parametrize(
    ("image", "label", "right"),
    [
        ("registry:5000/shop/app:v0.2.0", "", True),
        ("shop/app:0.2.0", "", True),
        ("shop/app:v0.2.0@sha256:00", "", True),
        ("shop/app", "v0.2.0", True),
        ("shop/app:main", "v0.2.0", True),
        ("shop/app:main", "22.04", None),  # of the image that it is built on
        ("shop/app:v0.2.1", "", False),
        ("registry:5000/shop/app", "", None),
    ],
)
def test_what_an_image_tells(image: str, label: str, right: bool | None) -> None:
    labels = {"org.opencontainers.image.version": label} if label else {}
    one = replace(container("app", "x"), image=image, labels=labels)
    assert told(one, "v0.2.0").right is right
