"""What a migration tool prints, compared with the files: is everything applied, and no more?

Read is one migration a line, however the tool decorates it (``[X] 0003_users``, ``up 2025…``,
``abc123 (head)``), or one line with the newest version alone (``3``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from canaryctl.checking.migration_files import Migration

_PENDING = re.compile(
    r"(?i)^\s*(\[ \]|\(no\)|down\b|pending\b|- \[ \])|\b(not applied|unapplied|pending|not run)\b"
)
_NONE_PENDING = re.compile(r"(?i)\b(no|0|zero|none)\b.{0,12}\b(pending|unapplied)\b|pending\W+0\b")
_BAD = re.compile(r"(?i)\bdirty\b|\bfailed\b")
_ROWS = re.compile(r"(?i)\(?\d+ rows?( in set.*)?\)?|[-+|= \t]*")
_EDGES = "[]()|,;:\"'`*✓✔-> \t"
_IDENT = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]*")


def shortfalls(files: Sequence[Migration], said: str) -> Iterator[str]:
    """Say what of the files is not applied, and what is applied that has no file.

    Args:
        files: from the oldest to the newest; at least one.
        said: what the tool printed.
    """
    lines = [line.strip() for line in said.splitlines() if not _ROWS.fullmatch(line.strip())]
    lines = [line for line in lines if line]
    if not lines:
        yield f"nothing is applied, not even {files[0].ident}"
        return
    for line in lines:
        if _BAD.search(line):
            yield f"a migration has failed half way: {line[:100]!r}"
            return
    waiting = [one for one in lines if _PENDING.search(one) and not _NONE_PENDING.search(one)]
    named = [one for line in waiting if (one := _in_line(files, line)) is not None]
    done = [line for line in lines if line not in waiting]
    applied = [one for line in done if (one := _in_line(files, line)) is not None]
    newest = files[-1]
    unknown = [line for line in done if _alone(line) and _in_line(files, line) is None]
    if unknown and (not applied or len(done) > 1) and _like(unknown[-1], files):
        yield f"{_alone(unknown[-1])} is applied, and there is no file of it here"
    elif waiting and not named:
        yield f"some are not applied: {waiting[0][:100]!r}"
    elif not applied and not named:
        yield f"what it prints names none of the files: {lines[-1][:100]!r}"
    elif len(applied) == 1 and not named:
        # The newest version alone.
        if applied[0] != newest:
            yield _not_applied(files[files.index(applied[0]) + 1 :], applied[0])
    elif rest := [one for one in files if one not in applied]:
        yield _not_applied(rest, applied[-1] if applied else None)


def _not_applied(rest: Sequence[Migration], last: Migration | None) -> str:
    words = rest[0].ident if len(rest) == 1 else f"{rest[0].ident} to {rest[-1].ident}"
    many = "" if len(rest) == 1 else f" ({len(rest)})"
    after = f"; the last one applied is {last.ident}" if last is not None else ""
    return f"not applied: {words}{many}{after}"


def _in_line(files: Sequence[Migration], line: str) -> Migration | None:
    """Find the migration that a line is about."""
    words = [word.strip(_EDGES) for word in re.split(r"[\s|,]+", line)]
    words = [word.rpartition(".")[2] if word.count(".") == 1 else word for word in words] + words
    for one in files:
        if any(word in one.names for word in words if word):
            return one
    first = next((word for word in words if word and any(map(str.isdigit, word))), "")
    if not first or not re.fullmatch(r"[Vv]?\d+(\.\d+)*", first):
        return None
    number = first.lstrip("Vv").lstrip("0") or "0"
    return next((one for one in files if one.number and one.number == number), None)


def _alone(line: str) -> str:
    """Give the only word of a line, apart from ``(head)``; empty when there are more."""
    words = [word for word in line.split() if word not in ("(head)", "up", "[X]", "[x]")]
    word = words[0].strip(_EDGES) if len(words) == 1 else ""
    return word if _IDENT.fullmatch(word) else ""


def _like(line: str, files: Sequence[Migration]) -> bool:
    """Tell whether a word could be a migration: it is written like the files' names or numbers."""
    word = _alone(line)
    if any(one.after is not None for one in files):
        return len(word) >= 4 and any(map(str.isdigit, word))  # noqa: PLR2004
    return word[:1].isdigit() or word[:1] in "Vv"
