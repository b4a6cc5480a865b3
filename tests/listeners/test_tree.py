"""The gate tree: values, limits, samples, signs, trend."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canaryctl.core.gate import Finding, Severity, Status
from canaryctl.core.verdict import judge
from canaryctl.listeners.line import Tone, cells
from canaryctl.listeners.tree import Before, mark, tree
from tests.listeners.walk import LOSS, NO_LOSS, SCHEMA, errors, healthy, latency


def drawn(*findings: Finding, width: int | None = None, before: Before | None = None) -> list[str]:
    verdict = judge(findings, {}, due=False)
    return [one.text.rstrip() for one in tree(findings, verdict, before or Before(), width)]


def test_a_tree_with_a_gate_of_several_parts() -> None:
    assert drawn(errors(1, 1000), *healthy(1000)[1:]) == [
        "gates                  value    limit  stable  samples",
        "├─ ✓ error rate        0.1 %  ≤ 0.5 %  0.08 %    1,000",
        "├─ p95 latency",
        "│  ├─ ✓ fast          1.31 s  ≤ 2.5 s   1.1 s      600",
        "│  ├─ ✓ balanced      2.41 s  ≤ 3.2 s   1.1 s      300",
        "│  └─ ✓ creative      910 ms  ≤ 4.5 s   1.1 s      100",
        "├─ ✓ schema failures       0      = 0       0",
        "└─ ✓ training loss      0.42    ≤ 0.8     0.4        1",
    ]


def test_a_narrow_tree_leaves_stable_out_and_keeps_every_number() -> None:
    wide, narrow = drawn(*healthy(1000)), drawn(*healthy(1000), width=56)
    assert "stable" in wide[0]
    assert "stable" not in narrow[0]
    assert all(cells(row) <= 56 for row in narrow)
    assert narrow[1].endswith("0 %  ≤ 0.5 %    1,000")


def test_a_long_name_is_cut_but_its_numbers_are_not() -> None:
    rows = drawn(replace(LOSS, gate="g" * 90), width=60)
    assert cells(rows[1]) <= 60
    assert "g…" in rows[1]
    assert rows[1].endswith("0.42  ≤ 0.8        1")


@pytest.mark.parametrize(
    ("finding", "sign", "tone"),
    [
        (LOSS, "✓", Tone.GOOD),
        (replace(LOSS, status=Status.FAIL), "✗", Tone.BAD),
        (replace(LOSS, status=Status.FAIL, severity=Severity.WARN), "✗", Tone.WARN),
        (NO_LOSS, "–", Tone.WARN),
        (replace(NO_LOSS, status=Status.ERROR), "!", Tone.WARN),
    ],
)
def test_signs(finding: Finding, sign: str, tone: Tone) -> None:
    shown = mark(finding)
    assert (shown.text, shown.tone) == (sign, tone)


def test_what_is_not_a_pass_is_explained_once() -> None:
    error = replace(SCHEMA, status=Status.ERROR, value=None, reason="bad_data: parse error")
    rows = drawn(errors(9, 900), error, NO_LOSS)
    # The failed gate decides, and the verdict's own line explains it.
    assert not [row for row in rows if "above its limit" in row]
    assert rows[3] == "│    error: bad_data: parse error"
    assert rows[5] == "     no data: no fresh rl_training_loss of the canary"


def test_a_failure_that_only_warns_says_that_the_rollout_goes_on() -> None:
    warning = replace(LOSS, status=Status.FAIL, severity=Severity.WARN, reason="0.9 is too much")
    assert drawn(SCHEMA, warning)[-1] == ("     warning only, the rollout goes on: 0.9 is too much")


@pytest.mark.parametrize(
    ("past", "now", "comparator", "shown", "tone"),
    [
        (1.0, 1.5, "≤", "▲", Tone.WARN),
        (1.5, 1.0, "≤", "▼", Tone.FAINT),
        (1.5, 1.0, "≥", "▼", Tone.WARN),
        (1.0, 1.5, "≥", "▲", Tone.FAINT),
        (1.0, 1.005, "≤", " ", Tone.PLAIN),
        (0.0, 0.0, "≤", " ", Tone.PLAIN),
        (1.0, float("nan"), "≤", " ", Tone.PLAIN),
        (float("inf"), 1.0, "≤", " ", Tone.PLAIN),
    ],
)
def test_trend(past: float, now: float, comparator: str, shown: str, tone: Tone) -> None:
    before = Before.of([replace(LOSS, value=past)])
    trend = before.trend(replace(LOSS, value=now, comparator=comparator))
    assert (trend.text, trend.tone) == (shown, tone)


def test_the_trend_stands_behind_its_row() -> None:
    before = Before.of([latency("fast", 1.0, 2.5, 10)])
    rows = drawn(latency("fast", 2.0, 2.5, 20), SCHEMA, before=before)
    assert [row for row in rows if row.endswith("▲")] == [rows[2]]


def test_markup_and_control_characters_stay_text() -> None:
    rows = tree([replace(LOSS, gate="[red]x[/]\x1b[2J", part="a\nb")], None, Before())
    text = [row.text for row in rows]
    assert "[red]x[/]\\x1b[2J" in text[1]
    assert "a\\nb" in text[2]
