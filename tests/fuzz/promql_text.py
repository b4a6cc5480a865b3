"""PromQL as its lexer reads it: strings, comments, words, signs. Knows no function."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<blank>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'|`[^`]*`)
    |(?P<word>[A-Za-z_:][A-Za-z0-9_:]*)
    |(?P<number>[0-9][0-9A-Za-z_.]*|\.[0-9]+)
    |(?P<sign>=~|!~|==|!=|<=|>=|[-+*/%^=<>(){}\[\],@.])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class NotPromqlError(ValueError):
    """Prometheus' lexer would refuse the text."""


class Token(NamedTuple):
    """One token; ``value`` is what a string means, or the text itself."""

    kind: str
    value: str


def tokens(text: str) -> list[Token]:
    """Read an expression.

    Raises:
        NotPromqlError: a string that does not end, or a sign that does not exist.
    """
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotPromqlError(f"unexpected {text[at : at + 10]!r} at {at}")
        kind = str(match.lastgroup)
        if kind == "string":
            found.append(Token(kind, _meant(match.group())))
        elif kind != "blank":
            found.append(Token(kind, match.group()))
        at = match.end()
    return found


def _meant(quoted: str) -> str:
    inner = quoted[1:-1]
    if quoted[0] == "`":
        return inner

    def one(match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) > 1:
            number = int(code, 8) if code.isdigit() and len(code) == 3 else int(code[1:], 16)
            return chr(number)
        if code in _PLAIN:
            return _PLAIN[code]
        if code in ("\\", quoted[0]):
            return code
        raise NotPromqlError(f"unknown escape {match.group()!r}")

    return _ESCAPE.sub(one, inner)
