"""What went wrong, read from a log: its error lines, grouped by what they have in common.

A line counts as an error by its level where it is JSON, else by the words that programs put into
such lines. Numbers, ids, times and quoted values are taken out, so that a thousand lines of one
mistake are one group with a count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

MOST_GROUPS = 200
"""Groups that are kept; a log without two lines alike would fill the memory."""
_LONGEST = 300
_LEVELS = ("error", "critical", "fatal", "alert", "emerg", "panic", "severe")
_LEVEL_KEYS = ("level", "levelname", "severity", "log.level", "lvl")
_MESSAGE_KEYS = ("message", "msg", "event", "error", "exception")
_WORDS = re.compile(
    r"\b(?:ERROR|CRITICAL|FATAL|SEVERE|PANIC|panic:|Traceback|segfault|[A-Za-z_.]*Error\b:"
    r"|[A-Za-z_.]*Exception\b)|\[(?:error|crit|alert|emerg)\]"
)
_PARTS = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,\d]*(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\"[^\"]*\"|'[^']*'"), "<text>"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}\b"), "<id>"),
    (re.compile(r"0x[0-9a-fA-F]+"), "<id>"),
    (re.compile(r"\d+(?:\.\d+)*"), "<n>"),
)


@dataclass(slots=True)
class Group:
    """Error lines that are alike.

    Attributes:
        shape: what they have in common.
        count: how many.
        first, last: the times of the first and the last of them, as the engine wrote them.
        example: the first one.
    """

    shape: str
    count: int
    first: str
    last: str
    example: str


@dataclass(frozen=True, slots=True)
class LogSummary:
    """What a log came to.

    Attributes:
        lines: how many there were.
        errors: how many of them are errors.
        groups: the errors, most frequent first.
    """

    lines: int
    errors: int
    groups: tuple[Group, ...]


def summed_up(lines: Iterable[str]) -> LogSummary:
    """Sum up lines that begin with their time (RFC 3339) and a blank, as the engine gives them."""
    groups: dict[str, Group] = {}
    count = errors = 0
    for line in lines:
        at, _, text = line.partition(" ")
        if not text.strip():
            continue
        count += 1
        said = _error(text)
        if said is None:
            continue
        errors += 1
        shape = shape_of(said)
        known = groups.get(shape)
        if known is not None:
            known.count, known.last = known.count + 1, at
        elif len(groups) < MOST_GROUPS:
            groups[shape] = Group(shape, 1, at, at, said[:_LONGEST])
    order = sorted(groups.values(), key=lambda one: (-one.count, one.first))
    return LogSummary(count, errors, tuple(order))


def shape_of(text: str) -> str:
    """Take out what differs from one line to the next."""
    shape = " ".join(text.split())
    for pattern, place in _PARTS:
        shape = pattern.sub(place, shape)
    return shape[:_LONGEST]


def _error(text: str) -> str | None:
    """Give what an error line says; None: it is none."""
    stripped = text.strip()
    if stripped.startswith("{"):
        try:
            said = json.loads(stripped)
        except (ValueError, RecursionError):
            said = None
        if isinstance(said, dict):
            return _from_json(said, stripped)
    return stripped if _WORDS.search(stripped) else None


def _from_json(said: dict[str, object], text: str) -> str | None:
    levels = [str(said[key]).lower() for key in _LEVEL_KEYS if key in said]
    if not any(level in _LEVELS for level in levels):
        return None
    parts = [str(said[key]) for key in _MESSAGE_KEYS if said.get(key)]
    return ": ".join(parts) or text
