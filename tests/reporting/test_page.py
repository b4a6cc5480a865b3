"""The page: complete, bounded, and nothing in it acts, whatever the journal holds."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from canaryctl.core.gate import Unit
from canaryctl.reporting.axis import Axis, marks, times
from canaryctl.reporting.chart_gate import gate
from canaryctl.reporting.facts import Decision, Facts, GateSeen, Point, Step
from canaryctl.reporting.page import MOST_CHARTS, MOST_DECISIONS, MOST_GATES, Made, page
from canaryctl.reporting.read import report_of
from canaryctl.reporting.shown import said
from canaryctl.reporting.thin import thinned
from tests.reporting.hostile import HARM, NAME, written

MADE = Made("canaryctl test", 1_750_000_000.0)
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section"),
    *("h1", "h2", "p", "span", "strong", "code", "pre", "time", "dl", "div", "dt", "dd", "ul"),
    *("ol", "li", "table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "details"),
    *("summary", "svg", "desc", "path", "line", "rect", "text"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "aria-hidden", "aria-label"),
    *("aria-labelledby", "role", "id", "viewbox", "d", "x", "y", "x1", "x2", "y1", "y2", "width"),
    *("height", "text-anchor", "scope", "data-label"),
}


class Seen(HTMLParser):
    """All tags and attributes of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_hostile_names_are_text(tmp_path: Path) -> None:
    written(tmp_path)
    html = page(report_of(NAME, tmp_path), MADE)
    seen = Seen(html)

    assert seen.tags <= TAGS
    assert seen.attributes <= ATTRIBUTES
    assert len(seen.ids) == len(set(seen.ids))
    assert html.count("<style>") == html.count("</style>") == html.count("</title>\n<style>") == 1
    for text in (HARM[0], HARM[1], HARM[4], HARM[5]):
        assert text in seen.text
    assert "49" not in re.findall(r"\{\{ .*? \}\}|\b49\b", seen.text)
    assert "\x1b" not in html
    assert "\u202e" not in html


def test_the_page_forbids_all_but_its_own_style(tmp_path: Path) -> None:
    written(tmp_path)
    html = page(report_of(NAME, tmp_path), MADE)
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy == [
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    ]
    styles = html.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in styles
    assert "@import" not in styles


def test_a_secret_that_came_into_a_journal_is_masked(tmp_path: Path) -> None:
    written(tmp_path)
    found = report_of(NAME, tmp_path)
    # The journal masks when it writes; a report does so again when it reads.
    assert said("http://ann:hunter22@prom/ Authorization: Bearer abcdef0123456789xyz") == (
        "http://ann:***@prom/ Authorization: Bearer ***"
    )
    assert page(found, MADE)


def long_one(evaluations: int, gates: int, decisions: int) -> Facts:
    points = tuple(
        Point(i * 10.0, "pass", 0.001 * (i % 7), 0.001, 0.005, 1e5 + i, (i % 9) / 9, (i % 5) / 5)
        for i in range(evaluations)
    )
    one = GateSeen("gate", Unit.PERCENT, "≤", "a reason", "evidence", "rollback", ("q",), points)
    many = tuple(replace(one, name=f"gate {i}", failures=i) for i in range(gates))
    decided = tuple(Decision(i * 1.0, "verdict", (f"nr {i}",), 1, 5.0) for i in range(decisions))
    return Facts(
        *("id", "shop", "v2", "gw", "ann", "c0ffee", 0.0, evaluations * 10.0),
        *("succeeded", "every stage passed", "fine", 0, 100.0, "generation 1", 1),
        steps=tuple(Step(i * 10.0, i % 100, "proven") for i in range(evaluations)),
        gates=many,
        decisions=decided,
    )


def test_the_size_is_bounded() -> None:
    usual = page(long_one(400, 10, 30), MADE)
    assert len(usual) < 400_000
    much = page(long_one(4_000, 300, 5_000), MADE)
    assert len(much) < 1_500_000
    assert much.count('<figure class="chart') == MOST_CHARTS
    assert f"{300 - MOST_GATES} more are left out" in much
    assert f"{5_000 - MOST_DECISIONS} more are left out" in much
    assert "gate 299" in much  # what failed most comes first
    assert "nr 0" in much
    assert "nr 4999" in much


def test_thinning_keeps_extremes_and_gaps() -> None:
    points: list[tuple[float, float | None]] = [(float(i), 1.0) for i in range(5000)]
    points[1234] = (1234.0, 99.0)
    points[3210] = (3210.0, -5.0)
    points[4000] = (4000.0, None)
    kept = thinned(points)
    assert len(kept) <= 160
    assert (1234.0, 99.0) in kept
    assert (3210.0, -5.0) in kept
    assert (4000.0, None) in kept
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]
    assert [at for at, _ in kept] == sorted(at for at, _ in kept)
    assert thinned(points[:50]) == tuple(points[:50])


@pytest.mark.parametrize("span", [0.0, 8.0, 90.0, 3_600.0, 86_400.0, 20 * 86_400.0, 900 * 86_400.0])
def test_a_time_axis_has_few_round_marks(span: float) -> None:
    began = 1_750_000_003.0
    found = list(times(began, began + span, 5))
    assert len(found) <= 6
    assert all(began <= at <= began + max(span, 1) for at, _ in found)
    if span >= 8:
        assert len(found) >= 2


@pytest.mark.parametrize("high", [0.0, 1e-9, 0.0057, 1.0, 3.2, 114.9, 1e12])
def test_a_value_axis_has_few_round_marks(high: float) -> None:
    found = marks(high)
    assert found[0] == 0
    assert len(found) <= 6
    assert max(found) <= high * 1.0001


def test_what_lies_outside_an_axis_stands_at_its_edge() -> None:
    up = Axis(0.0, 10.0, 100.0, 20.0)
    assert (up.at(0), up.at(10), up.at(5), up.at(99), up.at(-3)) == (100, 20, 60, 20, 100)
    assert Axis(5.0, 5.0, 1.0, 2.0).at(5.0) == 1.0


def test_a_limit_far_above_is_said_and_not_drawn() -> None:
    near = long_one(20, 1, 1)
    drawn = gate(near, near.gates[0], "a")
    assert 'class="limit"' in drawn
    assert "far above" not in drawn
    points = tuple(replace(one, limit=5.0) for one in near.gates[0].points)
    said = gate(near, replace(near.gates[0], points=points), "a")
    assert 'class="limit"' not in said
    assert "limit ≤ 500 %, far above" in said


@pytest.mark.parametrize("value", [None, 0.0, -3.0, 1e-300, 1e299])
def test_any_value_can_be_drawn(value: float | None) -> None:
    near = long_one(20, 1, 1)
    points = tuple(
        replace(one, value=value, stable=value, limit=value, against=None)
        for one in near.gates[0].points
    )
    chart = gate(near, replace(near.gates[0], points=points), "a")
    assert "nan" not in chart
    assert "inf" not in chart
