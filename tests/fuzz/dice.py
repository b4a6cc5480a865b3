"""Hostile inputs, made of chance and of what programs are known to trip over."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
Json = Any

NASTY = (
    *("", " ", "\t", "\n", "\r\n", "\0", "\x1b[2J", "\x7f", "\x9b1m", "\u2028", "\ufeff", "\ufffd"),
    *('"', "'", "`", "\\", '\\"', "\\'", "\\n", ";", "{", "}", "[", "]", "(", ")", "#", "$", "%"),
    *("${HOME}", "$(id)", "`id`", "; id", "| id", "&& id", "--help", "-rf", "../../etc/passwd"),
    *(
        "{{ x }}",
        "{% x %}",
        "{{ release }}",
        "{{",
        "}}",
        "}} {{",
        "%s",
        "%(x)s",
        "\ud800",
        "é",
        "🐤",
    ),
    *("nan", "NaN", "inf", "-inf", "+Inf", "1e999", "-1", "0", "1_000", "0x1F", "٣", "1e-400"),
    *("null", "true", "~", "<html>", "<!--", "# canaryctl ", "unix:/run/x", "[::1]:80", "a:80"),
    *('"} or vector(1) #', "'} or vector(1) #", "`} or vector(1) #", "x; return 200 'y'; #"),
    *("server { listen 1; }", "include /etc/passwd;", "\n} server {", "${canaryctl_x}", "a" * 70),
)
_NUMBERS: tuple[Json, ...] = (
    *(0, 1, -1, 2, 0.5, -0.0, 99.99, 100, 1e9, 1e308, 1.7e308, 5e-324, 2**31, 2**53 + 1, 2**63),
    *(2**64, 10**400, -(10**400), float("nan"), float("inf"), float("-inf"), True, False),
)
_DEPTHS = (12, 60, 400, 900, 960, 980, 990, 1100, 20_000)


def text(dice: Random, longest: int = 6) -> str:
    """Give a text that some parser may not like."""
    return "".join(_piece(dice) for _ in range(dice.randint(0, longest)))


def _piece(dice: Random) -> str:
    chosen = dice.random()
    if chosen < 0.5:
        return dice.choice(NASTY)
    if chosen < 0.8:
        return dice.choice(("app", "v0.2.0", "canary", "8000", "10.0.0.1", "_bucket", "x"))
    if chosen < 0.95:
        return chr(dice.randint(0, 0x2FF))
    code = dice.randint(0, 0x10FFFF)
    # Only first halves of surrogate pairs: two that fit are one character once JSON has read them.
    return chr(code - 0x400 if 0xDC00 <= code <= 0xDFFF else code)


def number(dice: Random) -> Json:
    """Give a number, or what pretends to be one."""
    return dice.choice(_NUMBERS) if dice.random() < 0.7 else dice.uniform(-10, 1000)


def value(dice: Random, depth: int = 3) -> Json:
    """Give any JSON value, and some that are none."""
    chosen = dice.random()
    if depth and chosen < 0.15:
        return [value(dice, depth - 1) for _ in range(dice.randint(0, 4))]
    if depth and chosen < 0.3:
        return {text(dice, 2): value(dice, depth - 1) for _ in range(dice.randint(0, 4))}
    if chosen < 0.35:
        return None
    return number(dice) if chosen < 0.6 else text(dice)


def mutated(dice: Random, source: str, times: int = 4) -> str:
    """Change a text in a few places."""
    found = source
    for _ in range(dice.randint(1, times)):
        found = _once(dice, found)
    return found


def _once(dice: Random, source: str) -> str:
    begin = dice.randint(0, len(source))
    end = min(len(source), begin + dice.choice((0, 1, 1, 2, 5, 20, 200)))
    cut = source[begin:end]
    match dice.randrange(8):
        case 0:
            return source[:begin] + source[end:]
        case 1:
            return source[:begin]
        case 2:
            return source[:end] + cut * dice.choice((1, 2, 30)) + source[end:]
        case 3:
            there = dice.randint(0, len(source))
            return source[:there] + cut + source[there:]
        case 4:
            return source[:begin] + chr(dice.randint(0, 0x17F)) + source[end:]
        case _:
            return source[:begin] + text(dice, 2) + source[end:]


def mutated_json(dice: Random, source: Json, times: int = 2) -> Json:
    """Change a JSON value in a few places."""
    found = source
    for _ in range(dice.randint(1, times)):
        found = _changed(dice, found)
    return found


def _changed(dice: Random, source: Json) -> Json:
    inside = dice.random() < 0.9
    if isinstance(source, dict) and source and inside:
        return _object(dice, source)
    if isinstance(source, list) and source and inside:
        return _array(dice, source)
    if isinstance(source, str) and dice.random() < 0.5:
        return mutated(dice, source, 2)
    return value(dice, 2)


def _object(dice: Random, source: dict[str, Json]) -> Json:
    deeper = [6 if isinstance(one, dict | list) else 1 for one in source.values()]
    key = dice.choices(list(source), deeper)[0]
    kept = {name: one for name, one in source.items() if name != key}
    match dice.randrange(16):
        case 0:
            return kept
        case 1:
            return {**kept, text(dice, 2): source[key]}
        case 2:
            return {**source, text(dice, 2): value(dice)}
    return {**kept, key: _changed(dice, source[key])}


def _array(dice: Random, source: list[Json]) -> Json:
    index = dice.randrange(len(source))
    match dice.randrange(16):
        case 0:
            return source[:index] + source[index + 1 :]
        case 1:
            return [*source, source[index]]
        case 2:
            return source[::-1]
    return [*source[:index], _changed(dice, source[index]), *source[index + 1 :]]


def as_json(dice: Random, source: Json) -> str:
    """Write a value as JSON, at times broken, nested without end, or no JSON at all."""
    written = json.dumps(source)
    chosen = dice.random()
    if chosen < 0.02:
        return written.replace("null", deep(dice), 1) if "null" in written else deep(dice)
    if chosen < 0.04:
        return dice.choice(("", "<html><body>502</body></html>", "\ufeff{}", "NaN", "1" * 5000))
    return mutated(dice, written, 2) if chosen < 0.15 else written


def deep(dice: Random) -> str:
    """Give arrays or objects in each other, as deep as parsers break, and deeper."""
    depth = dice.choice(_DEPTHS)
    opened, closed = dice.choice((("[", "]"), ('{"a":', "}")))
    return opened * depth + "1" + closed * depth * (dice.random() < 0.9)


def one_of(dice: Random, *makers: Callable[[Random], T]) -> T:
    """Give what one of these makes."""
    return dice.choice(makers)(dice)
