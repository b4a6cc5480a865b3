"""Environment files as Compose reads them: names and values, and lines that are neither.

Read are ``KEY=value``, blanks around ``=``, ``export KEY=value``, ``# comments``, quotes (double
ones with escapes, both over several lines), and a comment after a value and a blank. Variables are
filled in, but for single quotes: the environment's come before those of earlier lines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from canaryctl.drivers.interpolation import LONGEST, interpolated, refers

_KEY = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_QUOTED = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": re.compile(r"'([^']*)'"),
}
_COMMENT = re.compile(r"(?:^|[ \t])#.*")
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?=\n|$)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class _Value(NamedTuple):
    """One that was read: as it is without variables, and with what stands for them."""

    text: str
    template: str


@dataclass(frozen=True, slots=True)
class Environment:
    """A file's content.

    Attributes:
        values: by name; of a name that stands twice the last one, as it is for Compose.
        written: the same before variables were filled in.
        referring: names whose value is made of variables, at least in part.
        lacking: by name, a variable that its value cannot be without (``${VAR:?error}``), and
            that is not set. Compose refuses such a file.
        twice: names that stand more than once.
        broken: numbers of lines that are nothing. Their text may be a secret.
    """

    values: dict[str, str] = field(default_factory=dict, repr=False)
    written: dict[str, str] = field(default_factory=dict, repr=False)
    referring: frozenset[str] = frozenset()
    lacking: dict[str, str] = field(default_factory=dict)
    twice: tuple[str, ...] = ()
    broken: tuple[int, ...] = ()

    @property
    def literal(self) -> dict[str, str]:
        """The values that were written out in full, as they were written."""
        return {name: text for name, text in self.written.items() if name not in self.referring}


def parse(text: str, environment: Mapping[str, str] | None = None) -> Environment:
    """Read a file. Every text is one, with broken lines perhaps.

    Args:
        text: the file's.
        environment: variables that count before the file's own; None: none is filled in.
    """
    rest = _NEWLINE.sub("\n", text.removeprefix("\ufeff"))
    lines: list[tuple[str, _Value]] = []
    names: set[str] = set()
    twice: list[str] = []
    broken: list[int] = []
    at, line = 0, 1
    while at < len(rest):
        end = rest.find("\n", at)
        end = len(rest) if end < 0 else end
        bare = rest[at:end].strip()
        if bare and not bare.startswith("#"):
            found = _KEY.match(rest, at)
            value, end = _value(rest, found.end(), end) if found else (None, end)
            if found is None or value is None:
                broken.append(line)
            else:
                if found[1] in names:
                    twice.append(found[1])
                names.add(found[1])
                lines.append((found[1], value))
        line += rest.count("\n", at, end) + 1
        at = end + 1
    written = {name: value.text for name, value in lines}
    known = names | (environment or {}).keys()
    last = dict(lines)
    referring = frozenset(one for one in last if refers(last[one].template, known.__contains__))
    lacking: dict[str, str] = {}
    values = written if environment is None else _filled(lines, environment, lacking)
    many = tuple(dict.fromkeys(twice))
    return Environment(values, written, referring, lacking, many, tuple(broken))


def _filled(
    lines: Sequence[tuple[str, _Value]], environment: Mapping[str, str], lacking: dict[str, str]
) -> dict[str, str]:
    """Fill the variables in; ``lacking`` is told what a name cannot be without."""
    values: dict[str, str] = {}
    length = 0

    def look_up(name: str) -> str | None:
        return environment.get(name, values.get(name))

    for name, value in lines:
        text = value.text
        # Lines that repeat each other could make any number of characters.
        with suppress(ValueError):
            if length < LONGEST:
                text = interpolated(value.template, look_up, partial(lacking.setdefault, name))
        length += len(text)
        values[name] = text
    return values


def _value(text: str, begin: int, end: int) -> tuple[_Value | None, int]:
    """Read a value; give None for a broken one, and where its last line ends."""
    quote = text[begin : begin + 1] if begin < end else ""
    if quote not in _QUOTED:
        bare = _COMMENT.sub("", text[begin:end]).strip()
        return _Value(bare, bare), end
    found = _QUOTED[quote].match(text, begin)
    after = _REST.match(text, found.end()) if found else None
    if found is None or after is None:
        return None, end
    if quote == "'":
        return _Value(found[1], found[1].replace("$", "$$")), after.end()
    value = _unescaped(found[1], _ESCAPES)
    return _Value(value, _unescaped(found[1], {**_ESCAPES, "$": "$$"})), after.end()


def _unescaped(text: str, known: Mapping[str, str]) -> str:
    return _ESCAPE.sub(lambda one: known.get(one[1], one[1]), text)
