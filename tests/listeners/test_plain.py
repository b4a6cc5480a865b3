"""Plain lines for a log."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC

import pytest

from canaryctl.core.events import GatewaySilent, MetricsSilent
from canaryctl.core.gate import Status
from canaryctl.core.plan import Plan, Stage
from canaryctl.core.state import State
from canaryctl.core.weight import Weight
from canaryctl.listeners.plain import QUIET, PlainListener
from tests.listeners.walk import BANNER, LOSS, NO_LOSS, SCHEMA, Walk, errors, healthy, plan


def walk(observe: float = 120.0, *weights: str) -> tuple[Walk, io.StringIO]:
    out = io.StringIO()
    listener = PlainListener(BANNER, out, zone=UTC)
    return Walk([listener], State(plan(*(weights or ("5", "100")), observe=observe))), out


def said(out: io.StringIO) -> list[str]:
    return out.getvalue().splitlines()


def test_banner_stage_weights_tree_verdict_summary_in_this_order() -> None:
    stroll, out = walk()
    stroll.begin().to_the_end()
    wanted = [
        "15:06:40  Canary rollout of fragrance-ai v0.2.0 (2025-06-15 15:06:40 +0000)",
        "            service   fragrance-ai",
        "15:06:40  Preflight passed: 4 checks, 1 of them cannot be told from here",
        "15:06:40  [STAGE 1/2] 5% Canary Traffic",
        "15:06:40  Setting weights: stable 95 % / canary 5 %",
        "15:06:40  Weights: stable 95 % / canary 5 %, proven at NGINX: generation 13-ab12, 0.19 s",
        "15:06:50  Evaluation 1 of stage 1, canary 5 %",
        "          gates                  value    limit  stable  samples",
        "15:06:50  Verdict: clear so far: 6 of 6 gates pass",
        "15:08:40  Verdict: stage 1/2 passed: every gate passed, 12 evaluations",
        "15:08:40  [STAGE 2/2] 100% Canary Traffic",
        "SUCCEEDED  fragrance-ai v0.2.0",
        "Next steps",
    ]
    lines = said(out)
    places = [lines.index(text) for text in wanted]
    assert places == sorted(places)


def test_every_entry_has_its_time_and_nothing_but_text() -> None:
    stroll, out = walk()
    stroll.begin().to_the_end()
    log = out.getvalue().split("────")[0].splitlines()
    assert [
        row for row in log if not re.match(r"\d\d:\d\d:\d\d  \S|\d\d:\d\d:\d\d    [✓–]| {10}", row)
    ] == []
    assert "\x1b" not in out.getvalue()
    assert not [row for row in said(out) if row != row.rstrip()]


def test_the_tree_is_drawn_once_while_nothing_changes() -> None:
    stroll, out = walk(observe=900.0)
    stroll.begin()
    for _ in range(80):
        stroll.judge(*healthy(400))
    assert sum("samples" in row for row in said(out)) == 1
    stroll.judge(SCHEMA, NO_LOSS)
    stroll.judge(SCHEMA, NO_LOSS)
    assert sum("samples" in row for row in said(out)) == 2
    stroll.stage()
    assert sum("samples" in row for row in said(out)) == 4  # passing again, and the stage's end


def test_a_failure_in_a_row_is_news_until_it_has_failed() -> None:
    stroll, out = walk(observe=900.0)
    stroll.begin()
    failing = replace(LOSS, status=Status.FAIL, consecutive=3, reason="0.9 is above 0.8")
    stroll.judge(SCHEMA, failing).judge(SCHEMA, failing)
    assert [row for row in said(out) if "in a row" in row] == [
        "15:06:50  Verdict: wait: training loss: 0.9 is above 0.8 (1 of 3 in a row)",
        "15:07:00  Verdict: wait: training loss: 0.9 is above 0.8 (2 of 3 in a row)",
    ]


def test_a_log_shows_life_but_not_more_often_than_that() -> None:
    stroll, out = walk(observe=900.0)
    stroll.tick = 0.5
    stroll.begin()
    before = len(said(out))
    for _ in range(60):
        stroll.judge(*healthy(400))
    life = [row for row in said(out)[before:] if "  stage 1/2, canary 5 %: " in row]
    assert len(life) == (600 - 10) // QUIET
    assert life[0] == (
        "15:07:20  stage 1/2, canary 5 %: 14 min 20 s left · 40 s of 15 min observed,"
        " 6 of 6 gates pass"
    )


def test_a_long_interval_shows_life_too() -> None:
    out = io.StringIO()
    stages = (Stage(Weight.FULL, 600.0),)
    stroll = Walk([PlainListener(BANNER, out, zone=UTC)], State(Plan(stages, 300.0)), tick=1.0)
    stroll.begin().wait()
    assert len([row for row in said(out) if "left" in row]) == 9


def test_a_silence_is_told_once_then_only_now_and_then() -> None:
    stroll, out = walk(observe=900.0)
    stroll.tick = None
    stroll.begin()
    for _ in range(6):
        stroll.wait().event(MetricsSilent(stroll.now, "connection refused"))
    told = [row for row in said(out) if "Metrics source" in row]
    life = [row for row in said(out) if "waiting for metrics" in row]
    assert (len(told), len(life)) == (1, 1)
    stroll.judge(*healthy(400))
    assert any("answers again after 1 min" in row for row in said(out))


def test_a_silent_gateway_is_told_once() -> None:
    stroll, out = walk(observe=900.0)
    stroll.begin()
    for _ in range(20):
        stroll.now += 1.0
        stroll.event(GatewaySilent(stroll.now, "timed out"))
    assert len([row for row in said(out) if "control listener" in row]) == 1


def test_a_label_cannot_write_a_line_of_its_own() -> None:
    stroll, out = walk()
    evil = replace(LOSS, gate="loss\n15:06:51  SUCCEEDED", part="\x1b[2J[bold]", reason="a\r\nb")
    stroll.begin().judge(SCHEMA, replace(evil, status=Status.NO_DATA, value=None))
    assert not [row for row in said(out) if row.startswith("15:06:51  SUCC")]
    assert "\x1b" not in out.getvalue()
    assert "\r" not in out.getvalue()
    assert r"loss\n15:06:51  SUCCEEDED" in out.getvalue()
    assert r"\x1b[2J[bold]" in out.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_stream_without_these_signs_gets_others(encoding: str) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding)
    stroll = Walk([PlainListener(BANNER, out, zone=UTC)], State(plan("5", "100", observe=20.0)))
    stroll.begin().judge(errors(0, 400), SCHEMA)
    shown = raw.getvalue().decode(encoding)
    assert "|- + error rate" in shown
    assert "<= 0.5 %" in shown
    assert "SUCCEEDED" not in shown


def test_who_stops_reading_stops_nothing() -> None:
    class Gone(io.StringIO):
        tries = 0

        def write(self, _: str) -> int:
            self.tries += 1
            raise BrokenPipeError

    out = Gone()
    Walk([PlainListener(BANNER, out, zone=UTC)], State(plan("5"))).begin().to_the_end()
    assert out.tries == 1


def test_a_full_pipe_costs_a_line_not_the_log() -> None:
    class Full(io.StringIO):
        full = True

        def write(self, text: str) -> int:
            if self.full:
                self.full = False
                raise BlockingIOError
            return super().write(text)

    out = Full()
    Walk([PlainListener(BANNER, out, zone=UTC)], State(plan("5"))).begin()
    assert "service   fragrance-ai" in out.getvalue()
    assert "Canary rollout" not in out.getvalue()
