"""``canaryctl history`` on a journal that a rollout has really written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from canaryctl.cli import history
from canaryctl.core.errors import ConfigError
from canaryctl.core.events import (
    Check,
    Event,
    Judged,
    PreflightEnded,
    Started,
    WeightProven,
)
from canaryctl.core.gate import Finding, Status, Unit
from canaryctl.core.plan import Approval, Pause, Plan, Stage, Wait
from canaryctl.core.rollout import advance
from canaryctl.core.state import State
from canaryctl.core.weight import Weight
from canaryctl.listeners.journal import About, Journal

FAILED = Finding(
    gate="error rate",
    part="fast",
    status=Status.FAIL,
    reason="above its limit",
    value=0.007,
    limit=0.005,
    samples=12000.0,
    unit=Unit.PERCENT,
)
NOTHING = Finding(gate="loss", status=Status.NO_DATA, reason="no series")
HAPPENED: tuple[Event, ...] = (
    Started(1000.0),
    PreflightEnded(1000.5, (Check("gateway", True, "answers"),)),
    WeightProven(1001.0, Weight.ZERO, "1-a", 0.08),
    WeightProven(1002.0, Weight(100), "2-b", 0.07),
    Judged(1012.0, (FAILED, NOTHING)),
    WeightProven(1090.0, Weight.ZERO, "3-c", 0.09),
)


def write(
    directory: Path,
    name: str,
    release: str = "v0.2.0",
    until: int = 6,
    waits: tuple[Wait, ...] = (),
) -> None:
    journal = Journal(About(name, "shop", "docker web", release, "ann@box:42", "c0ffee"), directory)
    state = State(Plan((Stage(Weight(100), 60.0), Stage(Weight.FULL, 60.0, waits))))
    for event in HAPPENED[:until]:
        state, command = advance(state, event)
        journal.heard(event, state, command)
    journal.close()


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CANARYCTL_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    return tmp_path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    history.register(app)
    return CliRunner().invoke(app, list(arguments))


def test_nothing_yet() -> None:
    result = run()
    assert result.exit_code == 0
    assert "nothing yet" in result.stdout
    assert run("--output", "json").stdout == ""


def test_one_line_each_with_columns_in_line(place: Path) -> None:
    write(place, "20250101-000000-aaaa")
    write(place, "20250101-000001-bbbbcc", release="v0.10.0-rc.1", until=4)

    head, first, second = run().stdout.splitlines()

    assert head.split() == ["ID", "WHEN", "RELEASE", "OUTCOME", "LASTED", "WEIGHTS", "REASON"]
    assert "not ended" in first
    assert "rolled_back" in second
    assert "1 min 30 s" in second
    assert "0 → 1 → 0 %" in second
    assert second.endswith("gate failed: error rate (fast): above its limit")
    assert head.index("RELEASE") == first.index("v0.10.0-rc.1") == second.index("v0.2.0")
    assert head.index("REASON") == second.index("gate failed")


def test_the_limit(place: Path) -> None:
    for number in range(4):
        write(place, f"r{number}")
    assert len(run("--limit", "2").stdout.splitlines()) == 3
    assert run("--limit", "0").exit_code == 2


def test_one_rollout_event_by_event(place: Path) -> None:
    write(place, "20250101-000000-aaaa")

    said = run("20250101").stdout

    for expected in (
        "rollout 20250101-000000-aaaa: shop v0.2.0",
        "by        ann@box:42",
        "1 % for 1 min, 100 % for 1 min",
        "rolled_back, after 1 min 30 s",
        "SHA-256 c0ffee",
        "✗ error rate (fast): 0.7 % (limit ≤ 0.5 %, 12,000 samples): above its limit",
        "– loss: -: no series",
        "+12.0 s",
        "generation 3-c",
    ):
        assert expected in said


def test_json_is_one_object_a_line_and_nothing_else(place: Path) -> None:
    write(place, "20250101-000000-aaaa")

    (entry,) = map(json.loads, run("--output", "json").stdout.splitlines())
    head, *events = map(json.loads, run("2025", "-o", "json").stdout.splitlines())

    assert entry == head
    assert (entry["outcome"], entry["weights"], entry["seconds"]) == ("rolled_back", [0, 1, 0], 90)
    assert [one["seq"] for one in events] == [1, 2, 3, 4, 5, 6]
    assert events[4]["event"]["findings"][0]["value"] == 0.007


def test_what_stands_in_the_journal_cannot_move_the_cursor(place: Path) -> None:
    write(place, "x\x1b[2J", release="v1\x1b]0;title\x07\nv2")
    assert "\x1b" not in run().stdout
    assert "\x1b" not in run("x").stdout
    assert len(run().stdout.splitlines()) == 2


@pytest.mark.parametrize("name", ["unknown", "act-1", "act-one"])
def test_an_id_that_is_not_there_is_a_usage_error(place: Path, name: str) -> None:
    write(place, "20250101-000000-aaaa")
    result = run(name)
    assert isinstance(result.exception, ConfigError)
    assert name in str(result.exception)
    assert "canaryctl history" in result.exception.next_step


def test_what_the_plan_waits_for_is_shown_between_its_stages(place: Path) -> None:
    write(place, "one", waits=(Pause(600.0), Pause(), Approval(("product", "on-call"))))
    ended = run("one")
    assert ended.exit_code == 0, ended.output
    (plan,) = [line for line in ended.output.splitlines() if line.strip().startswith("plan")]
    assert plan.split(maxsplit=1)[1] == (
        "1 % for 1 min, pause 10 min, pause until continued, approval of product, on-call, "
        "100 % for 1 min"
    )
