"""Environment files as Compose reads them: names and values, and lines that are neither.

Read are ``KEY=value``, blanks around ``=``, ``export KEY=value``, ``# comments``, quotes (double
ones with escapes, both over several lines), and a comment after a value and a blank.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class Environment:
    """A file's content.

    Attributes:
        values: by name; of a name that stands twice the last one, as it is for Compose.
        twice: names that stand more than once.
        broken: numbers of lines that are nothing. Their text may be a secret.
    """

    values: dict[str, str] = field(default_factory=dict, repr=False)
    twice: tuple[str, ...] = ()
    broken: tuple[int, ...] = ()


def parse(text: str) -> Environment:
    """Read a file. Every text is one, with broken lines perhaps."""
    rest = _NEWLINE.sub("\n", text.removeprefix("\ufeff"))
    values: dict[str, str] = {}
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
                if found[1] in values:
                    twice.append(found[1])
                values[found[1]] = value
        line += rest.count("\n", at, end) + 1
        at = end + 1
    return Environment(values, tuple(dict.fromkeys(twice)), tuple(broken))


def _value(text: str, begin: int, end: int) -> tuple[str | None, int]:
    """Read a value; give None for a broken one, and where its last line ends."""
    quote = text[begin : begin + 1] if begin < end else ""
    if quote not in _QUOTED:
        return _COMMENT.sub("", text[begin:end]).strip(), end
    found = _QUOTED[quote].match(text, begin)
    after = _REST.match(text, found.end()) if found else None
    if found is None or after is None:
        return None, end
    value = found[1]
    if quote == '"':
        value = _ESCAPE.sub(lambda one: _ESCAPES.get(one[1], one[1]), value)
    return value, after.end()
