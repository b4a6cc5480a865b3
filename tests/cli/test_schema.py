"""Each verb's JSON, as the program really writes it, satisfies the schema that it prints."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer.main
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from canaryctl.cli.app import app
from canaryctl.cli.schema import lines, schema_of
from canaryctl.cli.schema_rollout import ERROR, LINES
from canaryctl.core.breaker import Breaker, Circuit
from canaryctl.core.commands import SetWeight
from canaryctl.core.control import Answer, Verb
from canaryctl.core.drained import Drained
from canaryctl.core.events import (
    BreakerMoved,
    Controlled,
    Crashed,
    DrainEnded,
    Drifted,
    Event,
    GatewaySilent,
    Held,
    Interrupted,
    MetricsSilent,
    Overtaken,
    TrafficUnproven,
    WeightRefused,
)
from canaryctl.core.plan import Approval, Pause
from canaryctl.core.state import Phase, State, Waiting
from canaryctl.core.weight import Weight
from canaryctl.demo.local_stack import local_stack
from canaryctl.demo.processes import Child
from canaryctl.drivers.clock import SystemClock
from canaryctl.listeners.record import Record
from canaryctl.listeners.records import records
from canaryctl.listeners.waits_record import wait_records
from tests.listeners.walk import BANNER, Walk, errors, plan
from tests.recorded import configured
from tests.sink import sink

PAGE = Path(__file__).parents[2] / "docs/output.md"
EVERY = lines()
WITHIN = 300.0
"""Seconds for a verb; only a stuck one needs so many."""


def strict(shape: Any) -> Any:
    """Forbid keys that a schema does not name: then it names all that there are."""
    if isinstance(shape, list):
        return [strict(one) for one in shape]
    if not isinstance(shape, dict):
        return shape
    found = {key: strict(one) for key, one in shape.items()}
    if isinstance(shape.get("properties"), dict) and "required" in shape:
        found.setdefault("additionalProperties", False)
    return found


def complaints(verb: str, line: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with a line of a verb."""
    shapes = EVERY[verb]
    if "event" in line:  # the one that it should be gives the clearer message
        fit = [s for s in shapes if _event(s).get("const") == line["event"]]
        fit = [s for s in fit if _status(s) in (None, line.get("status"))]
        shapes = tuple(fit) or shapes
    wrong = [
        [f"{list(e.path)}: {e.message[:300]}" for e in validator.iter_errors(line)]
        for validator in (Draft202012Validator(strict(shape)) for shape in shapes)
    ]
    return min(wrong, key=len)


def _event(shape: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = shape.get("properties", {}).get("event", {})
    return found


def _status(shape: Mapping[str, Any]) -> Any:
    return shape["properties"].get("status", {}).get("const")


def valid(verb: str, text: str) -> list[dict[str, Any]]:
    """Read a verb's output; every line of it satisfies its schema."""
    found = [json.loads(line) for line in text.splitlines()]
    assert found
    whole = Draft202012Validator(schema_of(verb, EVERY))
    for line in found:
        assert complaints(verb, line) == []
        assert whole.is_valid(line)
    return found


def outputs() -> set[str]:
    """Name every verb with ``--output``."""
    tree: Any = typer.main.get_command(app)
    found = set()
    for verb, command in tree.commands.items():
        for name, one in ((verb, command), *_subs(verb, command)):
            if any("--output" in p.opts for p in one.params):
                found.add(name)
    return found


def _subs(verb: str, command: Any) -> Iterator[tuple[str, Any]]:
    for name, one in getattr(command, "commands", {}).items():
        yield f"{verb} {name}", one


def test_every_verb_with_json_has_a_schema() -> None:
    assert outputs() == set(EVERY)


def test_every_schema_is_one() -> None:
    for verb in EVERY:
        Draft202012Validator.check_schema(schema_of(verb, EVERY))


def test_a_wrong_line_would_be_found() -> None:
    line = {"event": "interrupted", "at": "2025-01-01T00:00:00.000Z", "stage": None, "by": "x"}
    assert complaints("rollout", line) == []
    assert complaints("rollout", {**line, "by": 3})
    assert complaints("rollout", {**line, "more": 3})
    assert complaints("rollout", {**line, "at": 12.5})
    assert complaints("rollout", {**line, "event": "unheard-of"})


# --- the events of a rollout --------------------------------------------------------------

SEEN = State(plan("5", "100", observe=20.0))
ZERO = Weight.ZERO
RARE: tuple[Event, ...] = (
    MetricsSilent(5.0, "refused"),
    GatewaySilent(5.0, "refused"),
    Overtaken(5.0, None, "bob"),
    Overtaken(5.0, Weight(500), "bob"),
    Held(5.0, "bob"),
    Drifted(5.0, "edited"),
    Controlled(5.0, Verb.PAUSE, "q1", "bob", "because", "ops"),
    BreakerMoved(
        5.0, Breaker(Circuit.OPEN, until=9.0, openings=1, reason="five in a row"), Weight(100)
    ),
    DrainEnded(5.0, Drained(2, None, None, None, 2, None, 0, None, "")),
    WeightRefused(5.0, ZERO, "no"),
    TrafficUnproven(5.0, ZERO, "no"),
    Interrupted(5.0, "SIGTERM"),
    Crashed(5.0, "ValueError"),
)


@pytest.mark.parametrize("event", RARE, ids=lambda event: type(event).__name__)
def test_what_seldom_happens(event: Event) -> None:
    state = replace(SEEN, answer=Answer("q1", True, "paused"))
    said = list(records(event, state, SetWeight(ZERO, "back", pause=2.0), BANNER, None, SEEN))
    assert len(said) == 2
    for line in said:
        assert complaints("rollout", json.loads(json.dumps(line))) == []


@pytest.mark.parametrize("what", [Pause(), Pause(60.0), Approval(("ops", "product"))])
def test_waits(what: Pause | Approval) -> None:
    before = replace(SEEN, phase=Phase.WAITING)
    now = replace(before, waiting=Waiting(what, 0, 5.0))
    head: Record = {"event": "wait", "at": "2025-01-01T00:00:00.000Z", "stage": None}
    begun = list(wait_records(now, before))
    over = list(wait_records(before, now))
    assert [one["status"] for one in (*begun, *over)] == ["begun", "over"]
    for one in (*begun, *over):
        assert complaints("rollout", json.loads(json.dumps({**head, **one}))) == []


def test_a_whole_rollout_on_the_way_back() -> None:
    said: list[Record] = []

    class Listening:
        before: State | None = None

        def heard(self, event: Event, state: State, command: Any) -> None:
            said.extend(records(event, state, command, BANNER, ZERO, self.before))
            self.before = state

        def ticked(self, state: State, now: float) -> None:
            """Nothing."""

    walk = Walk([Listening()], State(plan("5", "100", observe=20.0))).begin()
    walk.judge(errors(50, 1000)).prove()
    found = valid("rollout", "\n".join(json.dumps(one) for one in said))
    assert found[-1]["outcome"] == "rolled_back"


# --- the verbs, as they are called --------------------------------------------------------


class Site:
    """A real NGINX with two versions, and this program beside it."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.folder, self.config = folder, config
        self.env = {
            **{key: one for key, one in os.environ.items() if not key.startswith("GITHUB_")},
            "CANARYCTL_STATE_DIR": str(folder / "state"),
        }

    @contextmanager
    def started(
        self, *arguments: str, env: Mapping[str, str] | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        """Start it; it is gone afterwards."""
        own = () if "--config" in arguments else ("--config", str(self.config))
        command = [sys.executable, "-m", "canaryctl", *own, *arguments]
        with subprocess.Popen(
            [*command, "--output", "json"],
            env={**self.env, **(env or {})},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, *arguments: str, code: int = 0) -> str:
        with self.started(*arguments) as process:
            out, err = process.communicate(timeout=WITHIN)
        assert process.returncode == code, err
        return out

    def wait_for_traffic(self) -> None:
        """Wait until the preflight's gates see stable's metrics."""
        for _ in range(60):
            with self.started("rollout", "--version", "v0.2.0", "--dry-run") as process:
                _, err = process.communicate(timeout=WITHIN)
            if process.returncode == 0:
                return
        raise AssertionError(err)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    clock = SystemClock()
    with local_stack(folder, clock, "10m") as stack:
        found = Site(folder, stack.config)
        found.run("weights", "set", "0")
        argv = [
            *(sys.executable, "-m", "canaryctl.demo.load", "--url", stack.url),
            *("--rate", "40", "--seconds", "600", "--connections", "4"),
            *("--report", str(folder / "load.json")),
        ]
        with Child("load", argv, log_dir=folder, clock=clock):
            found.wait_for_traffic()
            yield found


def test_verbs_at_rest(site: Site) -> None:
    valid("weights set", site.run("weights", "set", "5"))
    valid("weights", site.run("weights"))
    assert valid("status", site.run("status"))[0]["last"]["kind"] == "weights set"
    valid("rollback", site.run("rollback"))
    valid("recover", site.run("recover"))
    valid("analyze", site.run("analyze", "--version", "v0.2.0", "--window", "1s", code=4))
    valid("config check", site.run("config", "check"))
    valid("config show", site.run("config", "show"))
    valid("config schema", site.run("config", "schema"))
    valid("rollout", site.run("rollout", "--version", "v0.2.0", "--dry-run"))
    valid("history", site.run("history"))
    valid("pause", site.run("pause", code=4))
    valid("init", site.run("init", "--output-file", str(site.folder / "new.yaml")))
    valid("schema", site.run("schema"))
    assert json.loads(site.run("schema", "rollout")) == schema_of("rollout", EVERY)
    valid("report", site.run("report", code=2))


def test_verbs_around_a_rollout(site: Site) -> None:
    with sink() as there:
        (site.folder / "around.yaml").write_text(
            site.config.read_text()
            + f'notify: [{{name: team, to: "{there.channel}/team"}}]\n'
            + "checks: {probes: [{name: alerts, notify: true}], artifacts: {files: canary.yaml}}\n"
        )
        shown = ("--config", "around.yaml")
        (checked,) = valid("check", site.run("check", "--version", "v0.2.0", *shown, code=4))
        valid("notify test", site.run("notify", "test", *shown))
    alerts = next(one for one in checked["checks"] if one["name"] == "alerts")
    assert alerts["status"] == "pass"
    assert alerts["reason"] == "a test message reached team"
    assert len(there.told) == 2
    asked = valid("smoke-test", site.run("smoke-test", "--stable", "--skip-logs"))
    assert asked[0]["counts"] == {"passed": 5, "failed": 0, "skipped": 2}
    valid("smoke-test", site.run("smoke-test", "--show"))
    # Whoever runs the tests need not have a name, which a tag needs.
    named = (["config", "user.name", "a"], ["config", "user.email", "a@example.org"])
    for step in (["init", "-q"], *named, ["add", "canary.yaml"], ["commit", "-qm", "First"]):
        git = ["git", "-C", str(site.folder), *step]
        subprocess.run(git, check=True, capture_output=True)
    valid("release", site.run("release", "v0.2.0", "--dry-run", *shown))


def test_what_failed_is_in_the_job_that_it_ran_in(site: Site) -> None:
    summary = site.folder / "summary.md"
    job = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    for arguments in (("check", "--version", "v0.2.0"), ("smoke-test", "--stable")):
        with site.started(*arguments, env=job) as process:
            _, err = process.communicate(timeout=WITHIN)
        assert process.returncode == 4
        assert re.search(r"^::error title=(check|smoke test) of .*::", err, re.MULTILINE)
    said = summary.read_text()
    assert "## ❌ check of fragrance-ai v0.2.0" in said
    assert "## ❌ smoke test of stable" in said


def test_verbs_of_a_rollout(site: Site) -> None:
    with site.started("rollout", "--version", "v0.2.0", "--stages", "50,100") as rollout:
        assert rollout.stdout is not None
        head = ""
        while '"event":"evaluation"' not in head:
            line = rollout.stdout.readline()
            assert line, head
            head += line
        valid("pause", site.run("pause"))
        assert valid("status", site.run("status"))[0]["lease"] is not None
        valid("approve", site.run("approve", "--as", "ops", code=4))
        rollout.send_signal(signal.SIGTERM)
        rest, err = rollout.communicate(timeout=WITHIN)
    assert rollout.returncode == 130, err
    found = valid("rollout", head + rest)
    assert {"control", "interrupted", "time_to_zero", "outcome"} <= {one["event"] for one in found}
    newest = valid("history", site.run("history"))[0]
    valid("history", site.run("history", newest["id"]))
    valid("replay", site.run("replay", newest["id"]))
    valid("report", site.run("report", "--html", "a.html", "--markdown"))


def test_a_simulation(tmp_path: Path) -> None:
    config = tmp_path / "canary.yaml"
    config.write_text(configured(observe="1m"))
    asked = ["--rps", "50", "--runs", "1", "--jobs", "1", "--families", "steady,errors 50 %"]
    ended = CliRunner().invoke(app, ["--config", str(config), "simulate", *asked, "-o", "json"])
    assert ended.exit_code == 0, ended.exception
    found = valid("simulate", ended.stdout)
    assert {one["event"] for one in found} == {"simulation", "row", "summary"}


# --- the page -----------------------------------------------------------------------------


def test_the_page_names_every_event_and_key() -> None:
    text = PAGE.read_text(encoding="utf-8")
    cells = re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```", "", text))
    said = {word for cell in cells for word in re.split(r"[:, ]+", cell)}
    for shape in (*LINES, ERROR):
        assert _event(shape)["const"] in said
        assert set(shape["properties"]) <= said


def test_the_page_names_every_verb() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert not {
        verb for verb in EVERY if f"`{verb}`" not in text and f"`canaryctl {verb}" not in text
    }
