"""``canaryctl replay`` on journals that rollouts have really written, and on files."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from canaryctl.cli import replay
from canaryctl.cli.context import Context
from canaryctl.core.errors import ConfigError
from canaryctl.core.series import Version
from canaryctl.listeners.journal import About, Journal
from canaryctl.listeners.journal_file import NAME
from tests.recorded import BEGIN, ID, Service, configured, roll

DOCS = Path(__file__).resolve().parents[2] / "docs" / "replay.md"
ERRORS = """
gates:
  - {{name: errors, kind: ratio, bad: 'http_requests_total{{status=~"5.."}}',
     total: http_requests_total, max: {limit}}}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CANARYCTL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


def run(*arguments: str, config: Path | None = None) -> Result:
    app = typer.Typer()

    @app.callback()
    def options(ctx: typer.Context) -> None:
        ctx.obj = Context(config)

    replay.register(app)
    return CliRunner().invoke(app, ["replay", *arguments])


def broken(version: Version, at: float) -> float:
    return 0.2 if version is Version.CANARY and at > BEGIN + 150 else 0.001


def written(path: Path, limit: str) -> Path:
    path.write_text(configured(ERRORS.format(limit=limit)))
    return path


def test_the_same_verdicts_end_0(place: Path) -> None:
    rolled = roll(place, Service(errors=broken))
    assert rolled.state.ending is not None

    result = run("2025")

    count = len(rolled.heard.judged)
    assert result.exit_code == 0, result.stdout
    assert f"same verdicts at the same moments: {count} of {count}" in result.stdout
    assert rolled.state.ending.reason in result.stdout
    assert "stage 2/4  begins: 5 % proven" in result.stdout


def test_json_is_one_object_a_line_with_an_outcome(place: Path) -> None:
    rolled = roll(place, Service(errors=broken))

    lines = [json.loads(line) for line in run(ID, "-o", "json").stdout.splitlines()]

    judged = [line for line in lines if line["event"] == "judged"]
    assert len(judged) == len(rolled.heard.judged)
    assert all(one["same"] for one in judged)
    assert judged[-1]["verdict"] == judged[-1]["recorded"]
    assert judged[0]["findings"][0]["gate"] == "error rate"
    outcome = lines[-1]
    assert (outcome["event"], outcome["result"]) == ("outcome", "same")
    assert outcome["same"] == outcome["of"] == len(judged)
    assert outcome["evidence_gap"] == 0.0
    assert outcome["replayed"]["cause"] == outcome["recorded"]["cause"] == "gate_failed"


def test_another_limit_tells_what_would_have_happened(place: Path, tmp_path: Path) -> None:
    roll(place, Service(errors=broken), config=configured(ERRORS.format(limit="50%")))
    assert run(ID).exit_code == 0

    result = run(ID, config=written(tmp_path / "strict.yaml", "0.5%"))

    assert result.exit_code == 0
    assert "strict.yaml: in stage 2" in result.stdout
    assert "rolled back: gate failed: errors" in result.stdout
    outcome = run(ID, "-o", "json", config=tmp_path / "strict.yaml").stdout.splitlines()[-1]
    assert json.loads(outcome)["result"] == "played"
    assert json.loads(outcome)["replayed"]["stage"] == 2


def test_a_file_says_what_the_journal_says(place: Path, tmp_path: Path) -> None:
    roll(place, Service(errors=broken))
    target = tmp_path / "rollout.ndjson"

    before = os.umask(0)
    assert run(ID, "--export", str(target)).exit_code == 0
    os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600

    from_file, from_journal = run(str(target)), run(ID)
    assert from_file.exit_code == 0
    assert from_file.stdout.splitlines()[1:] == from_journal.stdout.splitlines()[1:]
    again = run(ID, "--export", str(target))
    assert isinstance(again.exception, ConfigError)
    assert "is there already" in str(again.exception)


def test_a_changed_counter_ends_1_and_names_the_line(place: Path, tmp_path: Path) -> None:
    roll(place, Service(errors=broken))
    target = tmp_path / "rollout.ndjson"
    run(ID, "--export", str(target))
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    source = 'http_requests_total{status=~"5.."} / http_requests_total'
    for line in lines[1:]:
        if line["kind"] == "judged":
            line["ratios"][source]["canary"][1] = 0
    target.write_text("".join(json.dumps(line) + "\n" for line in lines))

    result = run(str(target))

    assert result.exit_code == 1
    said = result.stdout.splitlines()
    assert "the verdict differs at +" in result.stdout
    assert any(line.startswith("  recorded: back: error rate") for line in said)
    assert any(line.startswith("  replayed: clear") for line in said)
    assert said[-1].endswith("nothing later is compared")


def test_the_documents_example_runs(tmp_path: Path) -> None:
    text = DOCS.read_text(encoding="utf-8")
    example = text.partition("```json\n")[2].partition("```")[0]
    path = tmp_path / "traffic.ndjson"
    path.write_text(example)

    result = run(str(path))

    assert result.exit_code == 0, result.exception
    shown = text.partition("$ canaryctl replay traffic.ndjson\n")[2].partition("```")[0]
    assert [line.rstrip() for line in result.stdout.splitlines()] == [
        line.rstrip().replace("traffic.ndjson", str(path)) for line in shown.splitlines()
    ]


# --- what cannot be replayed --------------------------------------------------------------


def complaint(*arguments: str, config: Path | None = None) -> str:
    error = run(*arguments, config=config).exception
    assert isinstance(error, ConfigError), error
    assert error.exit_code == 2
    return f"{error}; {error.next_step}"


def test_an_unknown_id_and_a_missing_file() -> None:
    assert "the journal has no 'nothing'" in complaint("nothing")
    assert "no.ndjson cannot be read" in complaint("no.ndjson")


def test_a_rollout_without_recorded_gates_needs_a_configuration(place: Path) -> None:
    rolled = roll(place)
    journal = Journal(About("old", "shop", "web", "v1", "ann@box:1", "c0ffee"), place)
    from canaryctl.core.rollout import advance  # noqa: PLC0415
    from canaryctl.core.state import State  # noqa: PLC0415
    from canaryctl.listeners.replay_file import from_journal  # noqa: PLC0415

    state = State(rolled.config.core_plan())
    for moment in from_journal(ID, place).moments[:5]:
        state, command = advance(state, moment.event)
        journal.heard(moment.event, state, command)
    journal.close()

    assert "does not say by which gates it was judged" in complaint("old")
    assert "--config FILE judges it" in complaint("old")


def test_a_broken_record_is_named(place: Path) -> None:
    roll(place)
    db = sqlite3.connect(place / NAME)
    db.execute("DROP TRIGGER events_delete")
    db.execute("DELETE FROM events WHERE seq < 3")
    db.commit()
    db.close()
    assert "not complete: it begins with event 3" in complaint(ID)


HEAD = (
    '{"recording": 1, "plan": {"stages": [{"weight": 100, "observe": 60}]}, "gates":'
    ' [{"kind": "ratio", "name": "errors", "bad": "bad_total", "total": "all_total", "max": 0.01}]}'
)
LINE = '{"at": 10, "weight": 100, "since": 5, "ratios": {"errors": {"canary": [50, 0]}}}'


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([HEAD, "{not json"], "line 2 is not JSON"),
        ([HEAD, "[1]"], "line 2: line: expected an object"),
        ([HEAD, '{"kind": "judge"}'], "line 2: kind: expected one of started"),
        ([HEAD, '{"at": 10}'], "line 2: an evaluation has its weight"),
        ([HEAD, LINE.replace('"since": 5', '"sinse": 5')], "line 2: evaluation: unknown key"),
        ([HEAD, LINE.replace('"since": 5, ', "")], "line 2: evaluation: 'since' is missing"),
        ([HEAD, LINE.replace("[50, 0]", "[50]")], "expected an array of 2, not [50]"),
        # What a terminal would act on is written out.
        ([HEAD, LINE.replace("errors", "\\u001b[3m").replace(", 0]", "]")], r"ratios.\x1b[3m"),
        ([HEAD, LINE.replace("[50, 0]", "[50, -1]")], "an increment is not negative"),
        ([HEAD, LINE.replace("[50, 0]", "[50, NaN]")], "expected a number, not nan"),
        ([HEAD, LINE.replace("[50, 0]", f"[1{'0' * 400}, 0]")], "expected a number"),
        ([HEAD, LINE.replace("100", "101")], "line 2: weight: a weight lies between"),
        ([HEAD, LINE.replace('"since": 5', '"since": 50')], "since: 50.000000 comes after"),
        ([HEAD, LINE, LINE.replace("10,", "9,")], "line 3: at: 9.000000 comes before"),
        ([HEAD, LINE, LINE.replace("100,", "50,")], "line 3: 50 % does not come after 100 %"),
        ([HEAD, LINE, HEAD], "line 3: a recording has one header"),
        ([HEAD], "has no evaluation"),
        ([LINE], "does not say by which gates"),
        ([HEAD.replace("1,", "2,", 1), LINE], "reads format 1, not 2"),
        ([HEAD.replace("0.01", '"1%"'), LINE], "gates[0].max: expected a number, not '1%'"),
        ([HEAD.replace("bad_total", "bad total"), LINE], "gates[0].bad: 'bad total' is not"),
        ([HEAD.replace('"max"', '"mox"'), LINE], "gates[0]: unknown key 'mox'"),
        ([HEAD.replace("ratio", "rate"), LINE], "gates[0].kind: expected one of ratio"),
        ([HEAD.replace("100", "0"), LINE], "plan: stages begin above 0 %"),
        ([HEAD, LINE.replace("errors", "other")], "has nothing that these gates judge: errors"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_message(
    tmp_path: Path, lines: list[str], said: str
) -> None:
    path = tmp_path / "traffic.ndjson"
    path.write_text("\n".join(lines) + "\n")
    assert said in complaint(str(path))


def test_a_binary_file_and_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    path.write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in complaint(str(path))
    (tmp_path / "y.ndjson").mkdir()
    assert "cannot be read" in complaint(str(tmp_path / "y.ndjson"))
