"""The comparison as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC
from math import inf
from pathlib import Path

import pytest

from canaryctl.core.comparison.advice import Advice, Health, Recommendation
from canaryctl.core.comparison.compare import Comparison, compared
from canaryctl.core.comparison.side import Latency, Side
from canaryctl.core.series import Window
from canaryctl.listeners.comparison import advice_lines, comparison_lines
from canaryctl.listeners.comparison_record import comparison_record
from canaryctl.listeners.line import Tone, in_ascii

WINDOW = Window(1_750_000_000.0, 1_750_000_900.0)
FAST = Latency({0.1: 900.0, 0.5: 1000.0, inf: 1000.0}, 60.0)
OFF_SCALE = Latency({0.1: 0.0, 0.5: 940.0, inf: 1000.0}, 500.0)
STABLE = Side(
    requests=99_000.0,
    errors=198.0,
    latency=FAST,
    parts={"fast": FAST},
    seen=900.0,
    memory=1.5e9,
    cpu=1.25,
)
CANARY = replace(STABLE, requests=1000.0, errors=40.0, memory=None, cpu=None)
HOLD = Advice(Health.DEGRADED, Recommendation.HOLD, "p95: too high")


def against(canary: Side, stable: Side = STABLE) -> Comparison:
    return compared(canary, stable, WINDOW, "mode")


def text(found: Comparison) -> list[str]:
    return [one.text for one in comparison_lines(found, UTC)]


def test_the_table() -> None:
    assert text(against(CANARY)) == [
        "canary against stable  2025-06-15 15:06:40 +0000 to 15:21:40, 15 min",
        "               canary      stable  difference  interval (95 % all together, * excludes 0)",
        "requests        1,000      99,000     -98,000",
        "errors             40         198        -158",
        "success rate     96 %      99.8 %     -3.8 pp  -5.8 pp to -2.3 pp *",
        "error rate        4 %       0.2 %     +3.8 pp  +2.3 pp to +5.8 pp *",
        "mean            60 ms       60 ms         0 s  -18.6 ms to +18.6 ms",
        "p50           55.6 ms     55.6 ms         0 s  -100 ms to +100 ms",
        "p95            300 ms      300 ms         0 s  -400 ms to +400 ms",
        "p99            460 ms      460 ms         0 s  -400 ms to +400 ms",
        "throughput    1.11 /s      110 /s     -109 /s",
        "memory              –   1.397 GiB",
        "cpu                 –  1.25 cores",
    ]


def test_what_neither_exposes_has_no_row() -> None:
    bare = replace(STABLE, memory=None, cpu=None)
    assert not any(row.startswith(("memory", "cpu")) for row in text(against(bare, bare)))


def test_a_row_has_the_tone_of_its_difference() -> None:
    tones = {
        one.text.split("  ")[0]: one.spans[0].tone for one in comparison_lines(against(CANARY))
    }
    assert (tones["error rate"], tones["mean"]) == (Tone.BAD, Tone.PLAIN)
    better = {
        one.text.split("  ")[0]: one.spans[0].tone
        for one in comparison_lines(against(STABLE, replace(STABLE, errors=1980.0)))
    }
    assert better["error rate"] is Tone.GOOD


def test_what_lies_above_the_buckets_is_shown_so_and_open_intervals_too() -> None:
    rows = text(against(replace(CANARY, latency=OFF_SCALE)))
    p95 = next(row for row in rows if row.startswith("p95"))
    assert "> 500 ms" in p95
    assert p95.endswith("from -400 ms up")
    swapped = text(against(STABLE, replace(CANARY, latency=OFF_SCALE)))
    assert next(row for row in swapped if row.startswith("p95")).endswith("up to +400 ms")


def test_nothing_known_is_dashes() -> None:
    rows = text(against(Side(), Side()))
    assert all(row.split()[-2:] == ["–", "–"] for row in rows[2:])


@pytest.mark.parametrize(
    ("found", "different", "better"),
    [
        (against(CANARY), "worse: error rate", "no"),
        (against(STABLE, replace(STABLE, errors=1980.0)), "better: error rate", "yes"),
        (against(STABLE), "no more than chance explains", "cannot be told"),
        (against(Side()), "cannot be told: intervals need 10 requests of each", "cannot be told"),
    ],
)
def test_what_it_comes_to(found: Comparison, different: str, better: str) -> None:
    assert [one.text for one in advice_lines(found, HOLD)] == [
        "health    degraded",
        f"different {different}",
        f"is better {better}",
        "do        hold: p95: too high",
    ]


def test_label_values_that_would_act_are_written_out_and_ascii_will_do() -> None:
    one, other = {"\x1b[2Jx": FAST}, {"\x1b[2Jx": replace(FAST, total=90.0)}
    found = compared(replace(STABLE, parts=other), replace(STABLE, parts=one), WINDOW, "mode")
    said = [row.text for row in advice_lines(found, HOLD)]
    assert said[1] == "different worse: mean (\\x1b[2Jx)"
    assert all(in_ascii(row).isascii() for row in (*said, *text(found)))


def test_json_keeps_every_figure_and_its_units() -> None:
    found = json.loads(json.dumps(comparison_record(against(CANARY), HOLD), allow_nan=False))
    assert (found["window"], found["from"]) == (900, "2025-06-15T15:06:40.000Z")
    assert found["to"] == "2025-06-15T15:21:40.000Z"
    assert found["canary"] == {
        "requests": 1000,
        "errors": 40,
        "success_rate": 0.96,
        "error_rate": 0.04,
        "mean": 0.06,
        "p50": pytest.approx(0.1 * 500 / 900),
        "p95": pytest.approx(0.3),
        "p99": pytest.approx(0.46),
        "above_buckets": [],
        "throughput": pytest.approx(1000 / 900),
        "memory": None,
        "cpu": None,
        "seen": 900,
        "by": {
            "mode": {
                "fast": {
                    "observations": 1000,
                    "mean": 0.06,
                    "p50": pytest.approx(0.1 * 500 / 900),
                    "p95": pytest.approx(0.3),
                    "p99": pytest.approx(0.46),
                    "above_buckets": [],
                }
            }
        },
    }
    assert list(found["differences"]) == [
        *("requests", "errors", "success_rate", "error_rate", "mean", "p50", "p95", "p99"),
        *("throughput", "memory", "cpu", "by"),
    ]
    error = found["differences"]["error_rate"]
    assert error["value"] == pytest.approx(0.038)
    assert error["low"] < error["value"] < error["high"]
    assert error["significant"] is True
    assert found["differences"]["requests"] == {
        "value": -98000,
        "low": None,
        "high": None,
        "significant": None,
    }
    assert set(found["differences"]["by"]["mode"]["fast"]) == {"mean", "p50", "p95", "p99"}
    assert (found["confidence"], found["level"]) == (0.95, pytest.approx(1 - 0.05 / 9))
    assert (found["is_better"], found["significant_difference"]) == (False, True)
    assert (found["worse"], found["improved"]) == (["error_rate"], [])
    assert (found["health"], found["recommendation"]) == ("degraded", "hold")
    assert found["reason"] == "p95: too high"


def test_every_key_of_the_json_is_explained() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/analyze.md").read_text(encoding="utf-8")
    record = json.loads(json.dumps(comparison_record(against(CANARY), HOLD)))
    keys = {*record, *record["canary"], *record["differences"], *record["differences"]["p95"]}
    keys |= {*record["canary"]["by"]["mode"]["fast"]}
    assert {key for key in keys if f"`{key}`" not in page} == set()


def test_json_has_null_for_open_ends_and_names_what_lies_above_the_buckets() -> None:
    canary = replace(CANARY, latency=OFF_SCALE)
    found = comparison_record(compared(canary, STABLE, WINDOW), HOLD)
    record = json.loads(json.dumps(found, allow_nan=False))
    assert record["canary"]["above_buckets"] == ["p95", "p99"]
    assert record["canary"]["p95"] == 0.5
    p95 = record["differences"]["p95"]
    assert (p95["value"], p95["low"], p95["high"]) == (None, -0.4, None)
    assert (record["canary"]["by"], record["differences"]["by"]) == (None, None)
