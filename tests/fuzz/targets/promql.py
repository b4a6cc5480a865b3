"""Selectors, and PromQL with values put into it: no value can end its string."""

from __future__ import annotations

from random import Random

from canaryctl.core.promql import rendered
from canaryctl.core.selector import Matcher, Operator, Selector, parse_selector
from canaryctl.core.series import SeriesWanted, Version
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.prometheus import PrometheusMetrics
from tests.fuzz import dice as a
from tests.fuzz.promql_text import NotPromqlError, tokens
from tests.fuzz.target import Target

_SELECTORS = (
    "http_requests_total",
    'http_requests_total{status=~"5..",code!="204",path!~"/a|/b"}',
    "up{job='x', instance=\"10.0.0.1:80\",}",
)
_QUERIES = (
    "avg(queue_depth{ {{ select }} })",
    'sum(rate(x{version="{{ version }}",release="{{ release }}"}[{{ window }}])) * {{ weight }}',
    "x{release='{{ release }}'} # the release {{ release }}'s\n + 1",
    'x{release=`{{ release }}`, a="b\\"{{ release }}"}',
    'x{a="{{ select }}"}',
    "{{ release }}",
    'label_replace(x, "a", "{{x}}", "b", "")',
)


def selectors(dice: Random) -> None:
    """What is read as a selector is written so that it means the same."""
    text = a.mutated(dice, dice.choice(_SELECTORS)) if dice.random() < 0.9 else a.text(dice)
    try:
        found = parse_selector(text)
    except ValueError:
        return
    assert parse_selector(str(found)) == found
    _holds(str(found), found)


def labels(dice: Random) -> None:
    """A label's value stays one string, whatever it is; a name that is none is refused."""
    names = [dice.choice(("version", "a", "_x")) for _ in range(2)]
    if dice.random() < 0.1:
        names.append(a.text(dice, 2))
    select = {name: a.text(dice) for name in names}
    try:
        metrics = PrometheusMetrics("http://127.0.0.1:9", {Version.CANARY: select}, SystemClock())
        wanted = SeriesWanted(Version.CANARY, Selector("up", (Matcher("j", Operator.EQUAL, "1"),)))
        query = metrics._promql(wanted, 300)
    except ValueError:
        return
    selector = wanted.selector.where(select)
    _holds(query.removesuffix("[300s]"), selector)


def _holds(text: str, selector: Selector) -> None:
    strings = [one.value for one in tokens(text) if one.kind == "string"]
    assert strings == [one.value for one in selector.matchers], text


def queries(dice: Random) -> None:
    """What is put into a query changes none of its words and signs."""
    query = dice.choice(_QUERIES)
    query = a.mutated(dice, query, 2) if dice.random() < 0.5 else query
    release, label = a.text(dice), a.text(dice)
    try:
        benign, hostile = _rendered(query, "v1", "x"), _rendered(query, release, label)
    except ValueError:
        return
    try:
        expected = tokens(benign)
    except NotPromqlError:
        return  # Prometheus refuses it with whatever value
    found = tokens(hostile)
    assert [one.kind for one in found] == [one.kind for one in expected], hostile
    for one, other in zip(found, expected, strict=True):
        assert one.kind == "string" or one.value == other.value, hostile


def _rendered(query: str, release: str, label: str) -> str:
    return rendered(
        query,
        version=Version.CANARY,
        release=release,
        select={"version": label},
        window=61.0,
        weight="5",
    )


TARGETS = (
    Target("selectors", selectors, share=8),
    Target("labels in promql", labels, share=4),
    Target("values in promql", queries, share=8),
)
