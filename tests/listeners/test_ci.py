"""What GitHub Actions and GitLab CI are told of a rollout."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from canaryctl.core.commands import SetWeight
from canaryctl.core.events import Check, Interrupted, Judged, TrafficUnproven
from canaryctl.core.gate import Severity
from canaryctl.core.redaction import SECRETS
from canaryctl.core.state import State
from canaryctl.listeners.actions import LARGEST, ActionsListener, write_summary
from canaryctl.listeners.gitlab import GitlabListener
from canaryctl.listeners.plain import PlainListener
from canaryctl.listeners.workflow_command import Level, annotation
from canaryctl.ports import Listener
from tests.listeners.walk import BANNER, Walk, errors, plan

TITLE = "Rollout of fragrance-ai v0.2.0"


def unescaped(line: str) -> tuple[str, dict[str, str], str]:
    """Read a workflow command as the runner does."""
    found = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
    assert found is not None
    properties = dict(one.split("=", 1) for one in found[2].split(","))
    signs = {"%0A": "\n", "%0D": "\r", "%3A": ":", "%2C": ",", "%25": "%"}

    def plain(text: str) -> str:
        return re.sub("%(?:0A|0D|3A|2C|25)", lambda sign: signs[sign[0]], text)

    return found[1], {key: plain(value) for key, value in properties.items()}, plain(found[3])


class Job:
    """A job of GitHub Actions, and the rollout in it."""

    def __init__(self, folder: Path, report: str | Exception = "the report") -> None:
        self.log = io.StringIO()
        self.summary = folder / "summary.md"
        self._report = report
        self.listener = ActionsListener(BANNER, self.log, self.summary, self._written)

    def _written(self) -> str:
        if isinstance(self._report, Exception):
            raise self._report
        return self._report

    def walk(self, *others: Listener) -> Walk:
        return Walk([*others, self.listener], State(plan("5", "100", observe=20.0)))

    @property
    def told(self) -> list[tuple[str, str, str]]:
        found = [unescaped(line) for line in self.log.getvalue().splitlines()]
        return [(level, more["title"], message) for level, more, message in found]


def thrown_back(job: Job) -> None:
    walk = job.walk().begin()
    walk.wait().event(Judged(walk.now, (errors(50, 1000),)))
    walk.prove()


def test_a_rollback_is_an_error_and_has_a_summary(tmp_path: Path) -> None:
    job = Job(tmp_path)
    thrown_back(job)
    ((level, title, message),) = job.told
    assert (level, title) == ("error", f"{TITLE}: rolled back")
    assert message.startswith("gate failed: error rate: 50 of 1000 requests: 5.000% is above")
    assert message.endswith("(exit code 1)")
    assert job.summary.read_text() == "the report\n\n"


def test_success_is_a_notice(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.walk().begin().to_the_end()
    assert [(level, title) for level, title, _ in job.told] == [("notice", f"{TITLE}: succeeded")]


def test_who_stops_it_gets_a_warning(tmp_path: Path) -> None:
    job = Job(tmp_path)
    walk = job.walk().begin()
    walk.event(Interrupted(walk.now, "SIGTERM"))
    walk.prove()
    assert [(level, title) for level, title, _ in job.told] == [("warning", f"{TITLE}: aborted")]


def test_a_failed_preflight_is_an_error(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.walk().begin((Check("gateway", False, "no answer"),))
    ((level, title, message),) = job.told
    assert (level, title) == ("error", f"{TITLE}: aborted")
    assert "gateway: no answer" in message
    assert "exit code 4" in message


def test_unproven_weights_and_warning_gates_are_said_once(tmp_path: Path) -> None:
    job = Job(tmp_path)
    walk = job.walk().begin()
    warns = replace(errors(50, 1000), severity=Severity.WARN)
    for _ in range(2):
        walk.wait().event(Judged(walk.now, (warns,)))
    walk.prove()
    assert [one for one in job.told if one[0] == "warning"] == [
        ("warning", f"{TITLE}: error rate warns", f"error rate: {warns.reason}")
    ]


def test_what_cannot_be_proven_is_a_warning_on_the_way(tmp_path: Path) -> None:
    job = Job(tmp_path)
    walk = job.walk().begin()
    walk.event(Interrupted(walk.now, "SIGTERM"))
    assert isinstance(walk.command, SetWeight)
    for _ in range(2):
        walk.event(TrafficUnproven(walk.now, walk.command.weight, "no answer"))
    assert job.told == [
        (
            "warning",
            f"{TITLE}: weights not proven",
            "stable 100 % / canary 0 %: no answer",
        )
    ]


def test_without_a_journal_the_summary_still_says_the_end(tmp_path: Path) -> None:
    job = Job(tmp_path, OSError("disk full"))
    thrown_back(job)
    assert "    fragrance-ai v0.2.0: rolled back\n    gate failed: " in job.summary.read_text()


def test_a_summary_that_cannot_be_written_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(tmp_path)
    job.summary.mkdir()
    walk = job.walk().begin().to_the_end()
    assert walk.state.ending is not None
    assert walk.state.ending.exit_code == 0
    assert "no annotation or summary" in caplog.text


def test_a_summary_is_added_bounded_and_without_secrets(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    SECRETS.know(["hunter2-hunter2"])
    try:
        write_summary(file, "one hunter2-hunter2")
    finally:
        SECRETS.know([])
    write_summary(file, "x" * (LARGEST + 1))
    first, second = file.read_text().strip().split("\n\n")
    assert first == "one ***"
    assert "too large" in second


@pytest.mark.parametrize(
    "text",
    [
        "100 % of it\nnext: line\r::error::x",
        "a,b:c=d::e",
        "%0A %25 %3A",
        "##[error]x ##[add-mask]y",
        "\x1b[2J",
        "",
    ],
)
def test_an_annotation_is_one_line_that_says_what_was_meant(text: str) -> None:
    line = annotation(Level.ERROR, text, text)
    assert "\n" not in line
    assert "\r" not in line
    assert "##[" not in line
    level, properties, message = unescaped(line)
    shown = text.replace("\n", "\\n").replace("\r", "\\r").replace("\x1b", "\\x1b")
    assert (level, list(properties)) == ("error", ["title"])
    assert properties["title"].replace("## [", "##[") == shown
    assert message.replace("## [", "##[") == shown


def test_gitlab_folds_each_stage() -> None:
    log = io.StringIO()
    listeners: list[Listener] = [PlainListener(BANNER, log), GitlabListener(log)]
    Walk(listeners, State(plan("5", "100", observe=20.0))).begin().to_the_end()
    text = log.getvalue()
    marks = re.findall(r"\x1b\[0Ksection_(start|end):(\d+):(\w+)\r\x1b\[0K(.*)\n", text)
    assert [(what, name, head) for what, _, name, head in marks] == [
        ("start", "canaryctl_stage_1", "[STAGE 1/2] 5% Canary Traffic"),
        ("end", "canaryctl_stage_1", ""),
        ("start", "canaryctl_stage_2", "[STAGE 2/2] 100% Canary Traffic"),
        ("end", "canaryctl_stage_2", ""),
    ]
    inside = text.partition("section_start")[2].partition("section_end")[0]
    assert "stage 1/2 passed" in inside


def test_a_stage_that_is_thrown_back_ends_its_section() -> None:
    log = io.StringIO()
    walk = Walk([GitlabListener(log)], State(plan("5", "100", observe=20.0))).begin()
    walk.wait().event(Judged(walk.now, (errors(50, 1000),)))
    walk.prove()
    assert log.getvalue().count("section_start") == log.getvalue().count("section_end") == 1
