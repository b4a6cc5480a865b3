"""What a migration tool prints, line by line: what stands under which heading, and what it means.

Lines that say nothing of a single migration (rules, counts of rows, "No pending migrations") are
left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

_PENDING = re.compile(
    r"(?i)^\s*(\[[ ✗✘-]\]|[✗✘]|\(no\)|down\b|pending\b|- \[ \])"
    r"|\b(not( yet)? (applied|run|migrated)|unapplied|pending|rolled back|reverted|undone)\b"
)
_NONE_PENDING = re.compile(
    r"(?i)(no|0|zero|none)\b[^|\t]{0,12}\b(pending|unapplied)\b.*|pending\W+0"
)
_BAD = re.compile(
    r"(?i)\bdirty\b(?!\s*[:=]\s*(?:false|no|f|0)\b)"
    r"|(?<!\b0 )(?<!\bno )\bfailed\b(?!:\s*0\b)"
)
_COUNT = re.compile(
    r"(?i)\(?\d+ rows?( in set.*)?\)?|[-+|=: \t]*|time: [\d.,]+ ms.*"
    r"|(applied|total|found|executed|completed|failed):\s*\d+"
    r"|(1 migration|\d+ migrations)( found| applied| done| in .*)?\.?"
)
_RULE = re.compile(r"(?=.*[-=]{2})[-+|=: \t]+")
_BOX = str.maketrans("│┃║─━═┌┐└┘├┤┬┴┼╭╮╰╯", "|||---" + "+" * 13)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_SQLX = re.compile(r"(\d)/(installed|pending)\b")
_EDGES = "[](){}|,;:\"'`*✓✔-> \t"
_END = r"(?=[\s:|]|$)"
_STAMP = r"\[?\d{4}[-/]\d\d[-/]\d\d([T ]\d\d:\d\d(:\d\d)?([.,]\d+)?(Z|[+-]\d\d:?\d\d)?)?\]?" + _END
_LEAD = re.compile(
    rf"(?i)\s*(\[[ x✓✔*_.-]?\]|[|>•✓✔✗*+-]+(?=\s)|{_STAMP}"
    r"|(up|down|applied|done|ok|ran|success|installed|yes|completed|migrated|pending|versioned"
    rf"|current|latest|schema|rev|goose|database(?=\s+(schema|version))){_END}:?"
    rf"|(version|revision|migration|head)s?({_END}|(?==))\s*(is\b|[:=])?)\s*"
)
_SURE = re.compile(r"(?i)^\[x\]|\(head\)")
_HEADING = re.compile(r"[A-Za-z][A-Za-z_ ]*\??")
_NAMES = (
    *("version", "version_id", "version_num", "migration id", "migration_id", "migrationid"),
    *("migration_name", "migration name", "migration", "name", "filename", "file", "revision"),
    *("script", "id"),
)
"""Headings of what tells migrations apart, the surest first."""
_APPLIED = frozenset({"applied", "is_applied", "ran?", "ran", "executed", "migrated", "installed"})
"""Headings of whether it is applied, or of when."""
_OTHERWISE = frozenset(
    {"skipped", "ignored", "missing", "available", "above target", "superseded", "out of order"}
)
"""What tools call a migration that is not applied as the files have it, besides pending."""
_TRUE, _FALSE = frozenset({"t", "true", "1", "yes", "y"}), frozenset({"f", "false", "0", "no", "n"})


class Mark(Enum):
    """What a line says of its migration."""

    DONE = auto()
    PENDING = auto()
    FAILED = auto()
    UNCLEAR = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """A line about a migration, as far as can be seen without knowing the files.

    Attributes:
        text: the line.
        words: of it, without what decorates them.
        rest: those after what stands before a name: ``[X]``, ``up``, a time.
        mark: what it says.
        cell: what stands under a heading of names or versions; None: there is no such heading.
        app: what stands under the heading ``app``; empty likewise.
        sure: it is about a migration whatever the word looks like: ``[X] x``, ``x (head)``.
    """

    text: str
    words: tuple[str, ...]
    rest: tuple[str, ...]
    mark: Mark
    cell: str | None = None
    app: str = ""
    sure: bool = False


def rows(said: str, known: Callable[[str], bool]) -> Iterator[Row]:
    """Read what a tool printed.

    Args:
        said: the whole of it.
        known: tells whether a word names one of the files, and so is no heading.
    """
    plain = _SQLX.sub(r"\1 \2", _COLOURS.sub("", said).translate(_BOX))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    table = _Table(())
    for number, line in enumerate(lines):
        if _COUNT.fullmatch(line) or _NONE_PENDING.fullmatch(line):
            continue
        ruled = number + 1 < len(lines) and bool(_RULE.fullmatch(lines[number + 1]))
        cells = _cells(line)
        if (number == 0 or ruled) and _is_heading(cells) and not any(map(known, cells)):
            table = _Table(tuple(one.casefold() for one in cells))
            continue
        yield _row(line, table.columns(line), table.headings)


@dataclass(frozen=True, slots=True)
class _Table:
    headings: Sequence[str]
    flags: frozenset[str] = field(default=_APPLIED | {"dirty", "success"})

    def columns(self, line: str) -> Mapping[str, str] | None:
        """Give what stands under which heading; None: it does not fit them."""
        cells = _cells(line)
        if not self.headings:
            return {}
        if len(cells) == len(self.headings):
            return dict(zip(self.headings, cells, strict=True))
        hard = "|" in line or "\t" in line
        return None if hard or self.flags & set(self.headings) else {}


def _row(line: str, columns: Mapping[str, str] | None, headings: Sequence[str]) -> Row:
    rest = line
    while (found := _LEAD.match(rest)) and found.end():
        rest = rest[found.end() :]
    cell = next((columns[one] for one in _NAMES if one in columns), None) if columns else None
    if cell is not None and not ("|" in line or "\t" in line or len(headings) == 1):
        # Blanks part columns, and words too.
        cell = cell if cell and " " not in cell else None
    return Row(
        text=line,
        words=_words(line),
        rest=_words(rest),
        mark=_mark(line, columns),
        cell=cell,
        app=(columns or {}).get("app", ""),
        sure=bool(_SURE.search(line)),
    )


def _mark(line: str, columns: Mapping[str, str] | None) -> Mark:
    flags = {name: value.casefold() for name, value in (columns or {}).items()}
    dirty, success = flags.get("dirty", "0"), flags.get("success", "1")
    if _BAD.search(line) or dirty in _TRUE or success in _FALSE:
        return Mark.FAILED
    if columns is None or dirty not in _FALSE or success not in _TRUE:
        return Mark.UNCLEAR
    applied = {flags.get(one) for one in _APPLIED}
    if applied & _FALSE or _PENDING.search(line) or _is_otherwise(line):
        return Mark.PENDING
    cells = _cells(line) if "|" in line or "\t" in line else []
    # A lone truth value without a heading: dirty, or applied?
    alone = not columns and len(cells) == 2 and cells[1].casefold() in _TRUE | _FALSE  # noqa: PLR2004
    return Mark.UNCLEAR if alone else Mark.DONE


def _is_otherwise(line: str) -> bool:
    """Tell whether a line says, in a column or as the second of two words, that it is not done."""
    cells, words = _cells(line), _words(line)
    pair = len(words) == 2 and "|" not in line and "\t" not in line  # noqa: PLR2004
    second = pair and words[1].casefold() in _OTHERWISE | _FALSE - {"0"}
    return second or any(one.casefold() in _OTHERWISE for one in cells)


def _is_heading(cells: Sequence[str]) -> bool:
    return all(map(_HEADING.fullmatch, cells)) and any(one.casefold() in _NAMES for one in cells)


def _cells(line: str) -> list[str]:
    if "|" in line:
        boxed = line.startswith("|") and line.endswith("|") and len(line) > 1
        cells = (line[1:-1] if boxed else line).split("|")
    else:
        cells = line.split("\t") if "\t" in line else re.split(r" {2,}", line)
    return [one.strip() for one in cells]


def _words(line: str) -> tuple[str, ...]:
    words = (word.strip(_EDGES) for word in re.split(r"[\s|,]+", line))
    return tuple(word for word in words if word)
