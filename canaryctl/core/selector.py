"""Selectors such as ``http_requests_total{status=~"5.."}``: parsed once, never pasted together.

The grammar is that of Prometheus' instant selectors without a range:
https://prometheus.io/docs/prometheus/latest/querying/basics/#instant-vector-selectors
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OPERATOR = re.compile(r"=~|!~|!=|=")
_STRING = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}
_PORTABLE = "write it so that Python's re and Prometheus' RE2 both read it the same way"


class Operator(StrEnum):
    """How a label is compared; the pattern of ``=~`` and ``!~`` must match the whole value."""

    EQUAL = "="
    NOT_EQUAL = "!="
    MATCH = "=~"
    NOT_MATCH = "!~"


@lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label. A missing label counts as the empty string."""

    label: str
    operator: Operator
    value: str

    def __post_init__(self) -> None:
        # The name stands in PromQL unquoted: anything but a name could end the selector early.
        if _LABEL.fullmatch(self.label) is None:
            raise ValueError(f"{self.label!r} is not a label's name: letters, digits and _ only")

    def matches(self, value: str) -> bool:
        """Tell whether a label's value satisfies this condition."""
        match self.operator:
            case Operator.EQUAL:
                return value == self.value
            case Operator.NOT_EQUAL:
                return value != self.value
            case Operator.MATCH:
                return _pattern(self.value).fullmatch(value) is not None
            case Operator.NOT_MATCH:
                return _pattern(self.value).fullmatch(value) is None

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's name and the conditions on its labels. ``str()`` is PromQL, escaped."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    def __post_init__(self) -> None:
        if _METRIC.fullmatch(self.metric) is None:
            raise ValueError(f"{self.metric!r} is not a metric's name: letters, digits, _ and :")

    def where(self, labels: Mapping[str, str]) -> Selector:
        """Narrow to series that carry these labels.

        Raises:
            ValueError: a key that is no label's name.
        """
        extra = tuple(Matcher(k, Operator.EQUAL, v) for k, v in sorted(labels.items()))
        return Selector(self.metric, self.matchers + extra)

    def suffixed(self, suffix: str) -> Selector:
        """Select the metric's sibling, e.g. ``_bucket`` of a histogram."""
        return Selector(self.metric + suffix, self.matchers)

    def matches(self, metric: str, labels: Mapping[str, str]) -> bool:
        """Tell whether a series is selected."""
        return metric == self.metric and all(
            m.matches(labels.get(m.label, "")) for m in self.matchers
        )

    def __str__(self) -> str:
        if not self.matchers:
            return self.metric
        return f"{self.metric}{{{','.join(map(str, self.matchers))}}}"


def quoted(value: str) -> str:
    """Write a string as PromQL reads it: nothing in it can end the string early."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def parse_selector(text: str) -> Selector:
    """Read a selector.

    Raises:
        ValueError: not a selector; the message says at which character and what was expected.
    """
    body = text.strip()
    name = _METRIC.match(body)
    if name is None:
        raise ValueError(f"{text!r} is not a selector: it starts with a metric's name")
    rest = body[name.end() :].strip()
    if not rest:
        return Selector(name.group())
    if not (rest.startswith("{") and rest.endswith("}")):
        raise ValueError(
            f'{text!r} is not a selector: after {name.group()!r} comes nothing or {{label="value"}}'
        )
    return Selector(name.group(), _matchers(text, rest[1:-1]))


def _matchers(text: str, inner: str) -> tuple[Matcher, ...]:
    found: list[Matcher] = []
    left = inner.strip()
    while left:
        label = _LABEL.match(left)
        if label is None:
            raise ValueError(f"{text!r}: expected a label's name at {left!r}")
        left = left[label.end() :].lstrip()
        operator = _OPERATOR.match(left)
        if operator is None:
            raise ValueError(f"{text!r}: expected =, !=, =~ or !~ after {label.group()!r}")
        left = left[operator.end() :].lstrip()
        string = _STRING.match(left)
        if string is None:
            raise ValueError(f"{text!r}: expected a quoted value after {label.group()!r}")
        raw = string.group(1) if string.group(1) is not None else string.group(2)
        value = _unescaped(text, raw)
        found.append(_checked(text, Matcher(label.group(), Operator(operator.group()), value)))
        left = left[string.end() :].lstrip()
        if left.startswith(","):
            left = left[1:].lstrip()
        elif left:
            raise ValueError(f"{text!r}: expected a comma at {left!r}")
    return tuple(found)


def _checked(text: str, matcher: Matcher) -> Matcher:
    if matcher.operator in (Operator.MATCH, Operator.NOT_MATCH):
        try:
            with warnings.catch_warnings():
                # Python only warns where it reads a pattern unlike RE2, such as [[:alpha:]].
                warnings.simplefilter("error", FutureWarning)
                re.compile(matcher.value)
        except (re.error, FutureWarning, OverflowError, RecursionError) as error:
            raise ValueError(
                f"{text!r}: bad pattern {matcher.value!r}: {error}; {_PORTABLE}"
            ) from None
    return matcher


def _unescaped(text: str, raw: str) -> str:
    def one(match: re.Match[str]) -> str:
        found = _ESCAPES.get(match.group(1))
        if found is None:
            raise ValueError(
                f"{text!r}: unknown escape {match.group()!r}; a backslash itself is written \\\\"
            )
        return found

    return re.sub(r"\\(.)", one, raw)
