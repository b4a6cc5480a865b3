"""Testing a file in its place without putting it there.

``nginx -t`` tests a whole configuration, and ours is a part of somebody's. So a copy of the
main file is tested in which the include that finds the live file finds the staged one
instead. Files between the two are copied likewise. The copies' names begin with a dot:
NGINX's globs never match those, so they are never in force.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_DUMPED = re.compile(r"^# configuration file (.+):$", re.MULTILINE)
# As NGINX reads: quotes and comments begin only where a word may begin, a word ends at a blank,
# a semicolon or an opening brace, and a backslash takes the meaning from what follows.
_TOKEN = re.compile(
    r"""\#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[;{}]
    |(?:\\.|\$\{|[^\s;{}"'\#\\])(?:\\.|\$\{|[^\s;{\\])*""",
    re.DOTALL | re.VERBOSE,
)


class NotIncluded(Exception):
    """No include of the configuration finds the live file."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What to write and test: copies by path, and the main one among them."""

    main: str
    files: Mapping[str, str]


def dumped(output: str) -> dict[str, str]:
    """Split what ``nginx -T`` prints into files by path; the main one is the first."""
    marks = list(_DUMPED.finditer(output))
    ends = [mark.start() for mark in marks[1:]] + [len(output)]
    return {
        mark.group(1): output[mark.end() + 1 : end] for mark, end in zip(marks, ends, strict=True)
    }


def trial(files: Mapping[str, str], live: str, staged: str, token: str) -> Trial:
    """Make the copies in which ``staged`` stands where ``live`` is included.

    Args:
        files: as ``dumped`` gave them.
        live: path of canaryctl's file; it need not exist yet.
        staged: where its next content lies, in the same directory.
        token: makes the copies' names this machine's own.

    Raises:
        NotIncluded: nothing includes ``live``.
    """
    main = next(iter(files))
    prefix = posixpath.dirname(main)
    copies: dict[str, str] = {}

    def copied(path: str) -> str | None:
        """Give the path of a changed copy of this file, None when it does not lead to live."""
        text, parts, last, changed = files[path], [], 0, False
        for start, end, pattern in _includes(text):
            absolute = posixpath.normpath(posixpath.join(prefix, pattern))
            found = [name for name in files if name != live and _globbed(name, absolute)]
            replaced = {name: copied(name) or name for name in found if name != path}
            wanted = sorted([*replaced, live]) if _globbed(live, absolute) else sorted(replaced)
            if live not in wanted and all(k == v for k, v in replaced.items()):
                continue
            names = [staged if name == live else replaced[name] for name in wanted]
            parts += [text[last:start], *(f'include "{name}";\n' for name in names)]
            last, changed = end, True
        if not changed:
            return None
        name = f".canaryctl-{token}-{len(copies)}.conf"
        place = prefix if path == main else posixpath.dirname(live)
        copies[posixpath.join(place, name)] = "".join([*parts, text[last:]])
        return posixpath.join(place, name)

    tested = copied(main)
    if tested is None:
        raise NotIncluded(live)
    return Trial(tested, copies)


def _globbed(path: str, pattern: str) -> bool:
    """Match as glob(3) does: a star crosses no slash and no leading dot."""
    if posixpath.dirname(path) != posixpath.dirname(pattern):
        same_depth = path.count("/") == pattern.count("/")
        if not same_depth or not fnmatch.fnmatchcase(
            posixpath.dirname(path), posixpath.dirname(pattern)
        ):
            return False
    name, wanted = posixpath.basename(path), posixpath.basename(pattern)
    if name.startswith(".") and not wanted.startswith("."):
        return False
    return fnmatch.fnmatchcase(name, wanted)


def _includes(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and argument of each ``include`` directive."""
    statement: list[re.Match[str]] = []
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word.startswith("#"):
            continue
        if word not in (";", "{", "}"):
            statement.append(token)
            continue
        if word == ";" and len(statement) == 2 and _bare(statement[0].group()) == "include":  # noqa: PLR2004
            yield statement[0].start(), token.end(), _bare(statement[1].group())
        statement = []


def _bare(word: str) -> str:
    """Take off the quotes and backslashes that NGINX takes off."""
    if word[0] in "\"'":
        word = word[1:-1]
    return re.sub(r"\\([\"'\\ ])", r"\1", word)


def values(files: Mapping[str, str], name: str) -> list[str]:
    """Give the argument of each use of a directive that takes one, in the files' order."""
    found: list[str] = []
    for text in files.values():
        words: list[str] = []
        for token in _TOKEN.finditer(text):
            word = token.group()
            if word.startswith("#"):
                continue
            if word not in (";", "{", "}"):
                words.append(_bare(word))
                continue
            if word == ";" and len(words) == 2 and words[0] == name:  # noqa: PLR2004
                found.append(words[1])
            words = []
    return found


def directive(files: Mapping[str, str], name: str, *, besides: str) -> bool:
    """Tell whether any file but ``besides`` uses this directive."""
    for path, text in files.items():
        if path == besides:
            continue
        starts = True
        for token in _TOKEN.finditer(text):
            word = token.group()
            if word.startswith("#"):
                continue
            if starts and word == name:
                return True
            starts = word in (";", "{", "}")
    return False


def routed(files: Mapping[str, str], upstream: str, *, besides: str) -> bool:
    """Tell whether a file besides ours passes requests to this upstream, by name or variable."""
    wanted = re.compile(
        rf"\b[a-z]+_pass\s+[^;]*(?:\$canaryctl_upstream|(?<![\w.-]){re.escape(upstream)}(?![\w.-]))"
    )
    return any(wanted.search(text) for path, text in files.items() if path != besides)
