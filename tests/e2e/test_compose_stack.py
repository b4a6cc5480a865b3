"""The stack of ``compose/``: deployed, promoted, thrown back, killed; no request is lost."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from canaryctl.core.errors import HostError
from canaryctl.demo.fault import SETTINGS, Fault, switch
from canaryctl.drivers.compose import compose_command
from tests.chaos.promotions import Promotions, long_load
from tests.e2e.compose_world import ComposeWorld, compose_world
from tests.e2e.harness import Running, Seen, Tool, eventually
from tests.sink import sink

WITHIN = 240.0
pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def compose(docker_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeWorld]:
    """The stack at v0.1.0 and 0 %, without a canary."""
    try:
        compose_command()
    except HostError as error:
        pytest.skip(str(error))
    with compose_world(docker_engine, tmp_path_factory.mktemp("compose")) as w:
        yield w


@pytest.fixture
def clients(compose: ComposeWorld, tmp_path: Path) -> Iterator[Path]:
    """Those who ask all the time; their figures, while they are written."""
    with long_load(compose.ports["HTTP_PORT"], tmp_path) as report:
        yield report


def seen(report: Path) -> Seen:
    """Give the figures so far; what is under way is no loss."""
    return Seen({**json.loads(report.read_text()), "unfinished": 0})


def test_a_version_is_deployed_rolled_out_and_promoted(
    compose: ComposeWorld, tool: Tool, clients: Path
) -> None:
    config = compose.config(plan={"stages": [50, 100]}, promotion={"approvals": ["product"]})
    out = tool.run(
        *("rollout", "--version", "v0.2.0", "--deploy", "--output", "json"),
        config=config,
        within=WITHIN,
    )
    assert out.code == 0, out.err
    done = [e["step"] for e in out.events if e["event"] == "deploy" and e["status"] == "done"]
    assert done == ["gateway", "start", "healthy", "version", "warm-up", "smoke test"]
    assert compose.in_force()["weight"] == "100"

    promote = tool.start("promote", "--version", "v0.2.0", "--output", "json", config=config)
    promote.wait_for(lambda e: e["event"] == "wait", "an approval is waited for", WITHIN)
    assert compose.image_of("app").endswith(":v0.1.0")
    approved = tool.run("approve", "--as", "product", config=config)
    assert approved.code == 0, approved.err
    ended = promote.end(WITHIN)
    assert ended.code == 0, ended.err
    assert ended.outcome["outcome"] == "promoted"
    assert compose.image_of("app").endswith(":v0.2.0")
    assert compose.container("app-canary") is None
    assert compose.in_force()["weight"] == "0"
    assert "PRODUCTION_VERSION=v0.2.0\n" in compose.env_file.read_text()
    (line,) = (compose.base / "deployments.tsv").read_text().splitlines()[1:]
    assert line.split("\t")[2:4] == ["v0.1.0", "v0.2.0"]
    assert "product: " in line

    again = tool.run("promote", "--version", "v0.2.0", config=config)
    assert again.code == 0
    assert "promoted already" in again.out
    compose.compose("up", "-d", "--no-deps", "app")  # by hand, it keeps what runs
    assert compose.image_of("app").endswith(":v0.2.0")
    figures = seen(clients)
    assert figures.errors == 0, figures.figures
    assert set(figures.figures["versions"]) == {"canary", "stable"}


def test_a_mistake_in_the_smoke_suite_leaves_all_as_it_was(
    compose: ComposeWorld, tool: Tool
) -> None:
    (compose.base / "bad.yaml").write_text("name: x\nsteps: [{name: a, request: {}}]\n")
    before = compose.env_file.read_bytes()
    config = compose.config(smoke={"suite": "bad.yaml"})
    out = tool.run("rollout", "--version", "v0.3.0", "--deploy", config=config)
    assert out.code == 2, out.err
    assert "bad.yaml:2: steps[0].request.path" in out.err
    assert compose.container("app-canary") is None
    assert compose.env_file.read_bytes() == before
    # What is not there yet is no reason to fail a rehearsal.
    fine = tool.run("rollout", "--version", "v0.3.0", "--dry-run", "--deploy", config=config)
    assert fine.code == 2
    assert "smoke suite" in fine.err
    config = compose.config()
    fine = tool.run("rollout", "--version", "v0.3.0", "--dry-run", "--deploy", config=config)
    assert fine.code == 0, fine.err
    assert "app-canary:8001 is not there yet" in fine.out
    without = tool.run("rollout", "--version", "v0.3.0", "--dry-run", config=config)
    assert without.code == 2
    assert "host not found" in without.err


@pytest.mark.parametrize(
    ("fault", "gate"),
    [
        (Fault.ERRORS, "error rate"),
        (Fault.LATENCY, "p95 latency"),
        (Fault.SCHEMA, "schema failures"),
        (Fault.LOSS, "training loss"),
        (Fault.DOWN, "canary up"),
    ],
)
def test_a_canary_that_fails_is_thrown_back_and_taken_down(
    compose: ComposeWorld, tool: Tool, fault: Fault, gate: str
) -> None:
    version, logs = "v0.3.0", compose.base / "canary-logs"
    before = set(logs.iterdir()) if logs.exists() else set()
    with sink() as there, long_load(compose.ports["HTTP_PORT"], tool.state.parent):
        config = compose.config(
            plan={"stages": [50, 100], "observe": "40s", "warm_up": "0s"},
            notify=[{"name": "team", "to": f"{there.channel}/team"}],
        )
        rollout = tool.start(
            *("rollout", "--version", version, "--deploy", "--output", "json"), config=config
        )
        rollout.wait_for(
            lambda e: e.get("status") == "proven" and e["weight"] == 50, "50 %", WITHIN
        )
        if fault is Fault.LOSS:
            early = tool.run("promote", "--version", version, config=config)
            assert early.code == 5, early.err
        if fault is Fault.SCHEMA:
            rollout = resumed(compose, tool, rollout, config)
        switch(f"http://127.0.0.1:{compose.ports['CANARY_FAULTS_PORT']}/faults", SETTINGS[fault])
        ended = rollout.end(WITHIN)
    assert ended.code == 1, ended.err
    assert gate in ended.outcome["reason"]
    assert compose.in_force()["weight"] == "0"
    eventually(lambda: compose.clients.versions(10) == {"stable": 10}, "stable serves")

    # So it does when the rollout that brought it up was killed, and another one continued it.
    done = [e["step"] for e in ended.events if e["event"] == "deploy" and e["status"] == "done"]
    assert done[-2:] == ["logs", "stop"]
    assert f"rollout --version {version} --deploy" in ended.err
    canary = compose.container("app-canary")
    assert canary is not None
    assert canary.status == "exited"
    (folder,) = set(logs.iterdir()) - before
    assert {one.name for one in folder.iterdir()} == {"summary.txt", f"{canary.name}.log"}
    summary = (folder / "summary.txt").read_text()
    assert ("the fault 'errors' is switched on" in summary) == (fault is Fault.ERRORS)

    (told,) = (one.body for one in there.told if "rolled back" in one.body["title"].lower())
    assert version in told["title"]
    assert gate in told["message"]
    page = tool.state.parent / "report.html"
    report = tool.run("report", "--html", str(page), config=config)
    assert report.code == 0, report.err
    assert gate in page.read_text()
    assert folder.name in page.read_text()  # the rollout's id


def resumed(compose: ComposeWorld, tool: Tool, rollout: Running, config: Path) -> Running:
    """Kill a rollout, and continue it once its guard has taken the traffic back."""
    rollout.kill()
    eventually(lambda: compose.in_force()["weight"] == "0", "its guard took it back")
    canary = compose.container("app-canary")
    assert canary is not None
    assert canary.status == "running"
    another = tool.start("resume", "--output", "json", config=config)
    another.wait_for(lambda e: e.get("status") == "proven" and e["weight"] == 50, "50 %", WITHIN)
    return another


def test_promotions_that_are_killed_are_finished_by_the_next_run(
    compose: ComposeWorld, tool: Tool, clients: Path
) -> None:
    kills = Promotions(compose, tool, random.Random(5))  # noqa: S311
    kills.run(2, shown=False)
    assert [kill for kill in kills.done if kill.wrong] == []
    assert seen(clients).errors == 0, seen(clients).figures
