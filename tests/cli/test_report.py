"""``canaryctl report``, and a rollout's summary in a CI job, as they are called."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from canaryctl.cli import ci_run, report
from canaryctl.cli.dry_run_summary import plan_summary
from canaryctl.core.errors import ConfigError
from tests.cli.test_history import write

ID = "20250101-000000-aaaa"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CANARYCTL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "state", ID)
    return tmp_path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    report.register(app)
    return CliRunner().invoke(app, list(arguments))


def test_the_last_rollout_as_a_page(place: Path) -> None:
    result = run("--html", "out.html")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert f"on {ID} (shop v0.2.0)" in result.stderr
    text = (place / "out.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "above its limit" in text
    assert stat.S_IMODE((place / "out.html").stat().st_mode) == 0o600
    assert sorted(one.name for one in place.iterdir()) == ["out.html", "state"]


def test_it_replaces_the_one_before(place: Path) -> None:
    (place / "out.html").write_text("old")
    assert run("2025", "--html", "out.html").exit_code == 0
    assert "old" not in (place / "out.html").read_text(encoding="utf-8")[:20]


def test_markdown_goes_to_stdout_or_into_a_file(place: Path) -> None:
    said = run(ID, "--markdown")
    assert said.stdout.startswith("## ❌ Rolled back: shop v0.2.0\n")
    assert run(ID, "--to", "out.md").stdout == ""
    assert (place / "out.md").read_text(encoding="utf-8") == said.stdout


def test_both_are_written_at_once(place: Path) -> None:
    done = json.loads(run("--html", "a.html", "--to", "b.md", "-o", "json").stdout)
    for key, name in (("html", "a.html"), ("markdown", "b.md")):
        assert done[key] == {"file": name, "bytes": (place / name).stat().st_size}
    assert sorted(one.name for one in place.iterdir()) == ["a.html", "b.md", "state"]


def test_json_alone_is_on_stdout() -> None:
    said = json.loads(run("--html", "a.html", "--markdown", "-o", "json").stdout)
    assert (said["event"], said["rollout"], said["outcome"]) == ("report", ID, "rolled_back")
    assert said["html"]["file"] == "a.html"
    assert said["markdown"]["text"].startswith("## ❌")
    assert said["exit_code"] == 1
    assert said["lacks"] == ["By which rules the gates were judged is not on record."]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "nothing to write: --html FILE"),
        (("--html", "-"), "--html -: name a file"),
        (("--markdown", "--to", "-"), "--to -: name a file; --markdown alone writes to stdout"),
        (("nobody", "--markdown"), "the journal has no 'nobody'"),
        (("--html", "no/such/place.html"), "no/such/place.html cannot be written"),
        (("--html", "state"), "state cannot be written"),
        (("--html", "a.html", "--to", "no/b.md"), "no/b.md cannot be written: No such file"),
        (("--html", "a.html", "--to", "state"), "state cannot be written: Is a directory"),
        (("--html", "a", "--to", "state/../a"), "--html and --to are the same file, state/../a"),
    ],
)
def test_a_mistake_is_one_message(place: Path, arguments: tuple[str, ...], says: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, ConfigError)
    assert says in str(result.exception)
    assert [one.name for one in place.iterdir()] == ["state"]


def test_outside_of_ci_nothing_is_annotated(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place / "summary.md"))
    ci_run.annotate("title", "message")
    ci_run.summarise(lambda: "text")
    assert capsys.readouterr() == ("", "")
    assert not (place / "summary.md").exists()


def test_inside_of_it_they_are(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place / "summary.md"))
    ci_run.annotate("a: b", "50 %")
    ci_run.summarise(lambda: "text")
    assert capsys.readouterr() == ("", "::error title=a%3A b::50 %25\n")
    assert (place / "summary.md").read_text() == "text\n\n"


def test_a_summary_of_a_dry_run_is_text() -> None:
    said = plan_summary(
        {
            "service": "<b>",
            "version": "@team",
            "deploy": {"project": "shop", "services": ["app"], "steps": ["start: up -d of app"]},
            "stages": [{"stage": 1, "weight": 5.0, "observe": 900.0}],
            "duration": 900.0,
            "longest": 2700.0,
            "configurations": [{"weight": 5.0, "diff": "+```\n+server a;", "text": ""}],
            "queries": [{"gate": "a|b", "rule": "≤ 5 %", "queries": []}],
            "checks": [{"name": "NGINX", "passed": None, "detail": "not reached"}],
            "passed": True,
        }
    )
    assert said.startswith("## ✅ Dry run: &#60;b&#62; &#64;\u2060team\n")
    assert "| 1 | 5 % | 15 min |" in said
    assert "Deployed first, in shop:\n\n- start: up -d of app\n" in said
    assert "| `a\\|b` | ≤ 5 % |" in said
    assert "- – NGINX: not reached" in said
    assert "````\n+```\n+server a;\n````\n" in said
