"""Lines as services write them are events with fields; others are not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.errors import HostError
from canaryctl.smoke.log_file import FileLogs
from canaryctl.smoke.log_line import agrees, event_fields, lacking
from canaryctl.smoke.logs_step import wait_for
from canaryctl.smoke.several_logs import SeveralLogs
from canaryctl.smoke.suite import LoggedEvent
from canaryctl.smoke.target import NotThereYetError
from tests.fake_world import FakeClock

BOTH = {"mode": "fast", "elapsed_ms": "12"}


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "llm_brief", "mode": "fast", "elapsed_ms": "12"}',
        '{"level": "info", "message": "llm_brief", "mode": "fast", "elapsed_ms": "12"}',
        '{"message": "llm_brief{mode=fast, elapsed_ms=12}"}',
        '{"llm_brief": {"mode": "fast", "elapsed_ms": "12"}}',
        'app-canary_1  | {"event": "llm_brief", "mode": "fast", "elapsed_ms": "12"}',
        "llm_brief{mode=fast, elapsed_ms=12}",
        "2026-01-02T03:04:05Z INFO llm_brief{mode=fast,elapsed_ms=12}",
        "llm_brief{mode: fast; elapsed_ms: 12}",
        'INFO app: llm_brief {"mode": "fast", "elapsed_ms": "12"}',
        "llm_brief mode=fast elapsed_ms=12",
        "ts=3 level=info event=llm_brief mode=fast elapsed_ms=12",
        'msg="llm_brief" mode="fast" elapsed_ms=12',
        "\x1b[32mINFO\x1b[0m llm_brief: mode=fast, elapsed_ms=12",
        "llm_brief {'mode': 'fast', 'elapsed_ms': 12}",
        "INFO llm_brief: {'mode': 'fast', 'elapsed_ms': 12, 'meta': {'n': [1, 2]}}",
        "llm_brief{mode=fast, meta={n=1}, elapsed_ms=12}",
        "llm_brief(mode=fast, elapsed_ms=12)",
        "llm_brief (mode='fast' elapsed_ms=12)",
        "INFO [llm_brief] mode=fast elapsed_ms=12",
        "[llm_brief]: mode=fast elapsed_ms=12",
    ],
)
def test_forms_of_a_line(line: str) -> None:
    fields = event_fields(line, "llm_brief")
    assert fields is not None
    assert {name: fields[name] for name in BOTH} == BOTH


@pytest.mark.parametrize(
    "line",
    [
        "",
        "my_llm_brief{mode=fast}",
        "llm_brief_failed{mode=fast}",
        "the llm_brief could not be written",
        "could not write llm_brief",
        "llm_brief() was called",
        "llm_brief (the fast one) could not be written",
        '{"event": "other", "text": "llm_brief mode=fast"}',
        '{"event": "llm_briefs", "mode": "fast"}',
    ],
)
def test_lines_about_something_else(line: str) -> None:
    assert event_fields(line, "llm_brief") is None


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("llm_brief{mode=fast}", ["elapsed_ms"]),
        ("llm_brief{mode,elapsed_ms}", ["mode", "elapsed_ms"]),
        ('{"event": "llm_brief", "mode": null, "elapsed_ms": ""}', ["mode", "elapsed_ms"]),
        ('{"event": "llm_brief", "mode": "fast", "elapsed_ms": 0}', []),
        ("llm_brief", ["mode", "elapsed_ms"]),
    ],
)
def test_a_field_without_a_value_is_missing(line: str, missing: list[str]) -> None:
    fields = event_fields(line, "llm_brief")
    assert fields is not None
    assert lacking(fields, ("mode", "elapsed_ms")) == missing


def test_fields_within_objects() -> None:
    fields = event_fields('{"event": "e", "data": {"mode": "x"}, "a.b": 1}', "e")
    assert fields is not None
    assert lacking(fields, ("data.mode", "a.b", "data.other")) == ["data.other"]


@pytest.mark.parametrize(
    ("value", "wanted", "same"),
    [("12", 12, True), (12, 12, True), ("12", "12", True), (12, "12", False), ("a", 1, False)],
)
def test_text_has_no_types_and_json_has(value: Any, wanted: Any, same: bool) -> None:
    assert agrees(value, wanted) is same


@given(st.text(st.sampled_from("e ve{}()=:,\"'\\[]\n0a-|"), max_size=200), st.booleans())
def test_any_line_is_read(line: str, doubled: bool) -> None:
    found = event_fields(line * 50 if doubled else line, "e")
    assert found is None or isinstance(found, dict)


@pytest.mark.parametrize(
    "piece", ["e", "e ", "e{", 'e="', "e{a='", "a" * 9, "e:", "e = ", "e(", "e{a={"]
)
def test_a_long_line_is_read_in_time(piece: str) -> None:
    event_fields("e " + piece * (99_000 // len(piece)), "e")


def test_a_file_is_read_from_where_it_ended(tmp_path: Path) -> None:
    first, later = tmp_path / "a.log", tmp_path / "b.log"
    first.write_text("old\n")
    logs = SeveralLogs([FileLogs([first]), FileLogs([later])])
    logs.begin()
    with pytest.raises(NotThereYetError, match=r"b\.log is not there"):
        logs.lines()
    with first.open("a") as log:
        log.write("new\n")
    later.write_text("more\nhalf a li")
    assert list(logs.lines()) == ["new", "more", "half a li"]
    first.write_text("x\n")  # rotated: shorter than it was
    assert list(logs.lines()) == ["x", "more", "half a li"]


def test_what_is_no_regular_file_is_said_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    logs = FileLogs([pipe])
    logs.begin()
    os.mkfifo(pipe)
    with pytest.raises(HostError, match="is no regular file"):
        logs.lines()
    with pytest.raises(HostError, match="is no regular file"):
        logs.begin()
    with pytest.raises(HostError, match="is no regular file"):
        FileLogs([tmp_path]).begin()


def test_a_file_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    file, clock = tmp_path / "late.log", FakeClock()
    logs = FileLogs([file])
    logs.begin()
    real = clock.sleep

    def pause(seconds: float) -> None:
        real(seconds)
        if clock.now() - began > 1:
            file.write_text("llm_brief{mode=fast}\n")

    began, clock.sleep = clock.now(), pause  # type: ignore[method-assign]
    logged = LoggedEvent(event="llm_brief", fields=("mode",), within=3.0)
    assert wait_for(logged, logs, {}, clock) == ([], "llm_brief{mode=fast}")


def test_one_that_never_comes_is_named(tmp_path: Path) -> None:
    clock, logs = FakeClock(), FileLogs([tmp_path / "late.log"])
    began = clock.now()
    logged = LoggedEvent(event="llm_brief", fields=("mode",), within=3.0)
    (problem,), _ = wait_for(logged, logs, {}, clock)
    assert problem.came == f"{tmp_path}/late.log is not there"
    assert clock.now() - began == 3
