"""Placeholders in a user's PromQL: ``{{ version }}``, ``{{ window }}`` and the like.

Only names from a fixed list are replaced, and only where the value stays what it is: text in
quotes, escaped for the kind of quotes it stands in; labels, a duration and a number outside of
them. So no value can change the expression's shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from canaryctl.core.selector import Matcher, Operator, quoted
from canaryctl.core.series import Version
from canaryctl.core.visible import visible

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")
# Comments, the three kinds of strings, a quote that nothing closes, a placeholder.
_TOKEN = re.compile(
    r"#[^\n]*"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'(?:[^'\\\n]|\\.)*'"
    r"|`[^`]*`"
    r"|[\"'`]"
    r"|\{\{.*?\}\}"
)
_QUOTES = ('"', "'", "`")
NAMES = ("version", "release", "select", "window", "weight")


class _Part(NamedTuple):
    """A piece of a query: text as it is, or a placeholder's name and the quotes around it.

    ``quote`` is empty outside of strings, and ``#`` in a comment.
    """

    text: str
    name: str = ""
    quote: str = ""


def placeholders(query: str) -> tuple[str, ...]:
    """Name what a query asks for, in order.

    Raises:
        ValueError: a name that does not exist, one that stands where its value cannot, or a
            string that does not end.
    """
    return tuple(part.name for part in _parts(query) if part.name)


def rendered(
    query: str,
    *,
    version: Version,
    release: str,
    select: Mapping[str, str],
    window: float,
    weight: str,
) -> str:
    """Fill a query in.

    Args:
        query: the user's, with placeholders.
        version: stable or canary.
        release: the release being rolled out, such as v0.2.0.
        select: the version's labels; ``{{ select }}`` becomes ``version="canary"``.
        window: seconds since this weight was proven; ``{{ window }}`` becomes ``42s``.
        weight: the canary's percentage.

    Raises:
        ValueError: as ``placeholders``; or a release with a backquote between backquotes, where
            PromQL knows no way to write one.
    """
    values = {
        "version": version.value,
        "release": release,
        "select": ",".join(str(Matcher(k, Operator.EQUAL, v)) for k, v in sorted(select.items())),
        "window": f"{max(1, round(window))}s",
        "weight": weight,
    }
    return "".join(
        _within(part.quote, values[part.name]) if part.name else part.text for part in _parts(query)
    )


def _within(quote: str, value: str) -> str:
    """Write a value so that it stays within the quotes it stands in."""
    match quote:
        case '"':
            return quoted(value)[1:-1]
        case "'":
            return quoted(value)[1:-1].replace('\\"', '"').replace("'", "\\'")
        case "`" if "`" in value:
            raise ValueError(f"{value!r} cannot stand between backquotes; use double quotes")
        case "#":
            return " ".join(value.split())
    return value


def _parts(query: str) -> Iterator[_Part]:
    at = 0
    for found in _TOKEN.finditer(query):
        yield _Part(query[at : found.start()])
        yield from _inside(found.group())
        at = found.end()
    yield _Part(query[at:])


def _inside(token: str) -> Iterator[_Part]:
    quote = token[0] if token[0] in (*_QUOTES, "#") else ""
    if token in _QUOTES:
        raise ValueError(f"a string that begins with {token} does not end")
    at = 0
    for found in _PLACEHOLDER.finditer(token):
        before = token[at : found.start()]
        if quote in ('"', "'") and (len(before) - len(before.rstrip("\\"))) % 2:
            # It would take its meaning from the value's first character, or the quote's.
            raise ValueError(f"a backslash stands before {visible(found[0])} in a string")
        yield _Part(before)
        yield _Part("", _known(found.group(1).strip(), quote), quote)
        at = found.end()
    yield _Part(token[at:])


def _known(name: str, quote: str) -> str:
    if name not in NAMES:
        known = ", ".join(f"{{{{ {known} }}}}" for known in NAMES)
        raise ValueError(f"unknown placeholder {{{{ {visible(name)} }}}}; there are {known}")
    if name == "release" and not quote:
        raise ValueError('{{ release }} is text and stands in quotes: "{{ release }}"')
    if name == "select" and quote in _QUOTES:
        raise ValueError("{{ select }} brings its own quotes: write { {{ select }} }")
    return name
