"""Which migration a line of a tool is about: one of the files, or one that has no file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from canaryctl.checking.migration_files import Migration
from canaryctl.checking.migration_rows import Row

_IDENT = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]*")
_NUMBER = re.compile(r"[Vv]?\d+(\.\d+)*")
_NUMBERED = re.compile(r"[Vv]?\d[\w.-]*")
_HASH = re.compile(r"[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}[-/]\d\d[-/]\d\d(T[\w.]*)?|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STRONG = re.compile(r"\d{3,}[_-][\w.-]*[A-Za-z][\w.-]*|[Vv]\d+([._]\d+)*__\w[\w.-]*|[\w.-]+\.sql")
_DOTTED = re.compile(r"([A-Za-z_]\w*)\.(\w+)")
_LABEL = re.compile(r"[A-Za-z_]\w*")
_NO_FILE = re.compile(r"(?i)\bno file\b")
_WORDS = frozenset({"done", "ok", "success", "applied"})


class Names:
    """What the files of one database, or of one of Django's apps, may be called."""

    def __init__(self, files: Sequence[Migration]) -> None:
        self.files = tuple(files)
        self.apps = frozenset(one.app for one in files if one.app)
        self._linked = any(one.after is not None for one in files)
        self._called: dict[str, list[Migration]] = {}
        self._numbers: dict[str, list[Migration]] = {}
        for one in files:
            for name in one.names:
                self._called.setdefault(name, []).append(one)
            if one.number:
                self._numbers.setdefault(one.number, []).append(one)

    def known(self, word: str) -> bool:
        """Tell whether a word names one of the files."""
        return word in self._called

    def app_of(self, row: Row) -> str:
        """Give the Django app that a line names; empty: none, or the files are not Django's."""
        if not self.apps:
            return ""
        if row.app:
            return row.app
        for before, word in zip(("", *row.rest), row.rest, strict=False):
            if found := _DOTTED.fullmatch(word):
                return found[1]
            if self.known(word) or _NUMBERED.fullmatch(word):
                if _LABEL.fullmatch(before):
                    return before
                if self.known(word) or _STRONG.fullmatch(word):
                    return ""
        return ""

    def found(self, row: Row) -> Migration | None:
        """Find the file that a line is about."""
        app = self.app_of(row)
        for word in self._words(row):
            for one in self._called.get(word) or self._called.get(PurePosixPath(word).name) or ():
                if not app or one.app == app:
                    return one
        number = row.cell if row.cell is not None else next(iter(row.rest), "")
        if not _NUMBER.fullmatch(number):
            return None
        plain = number.lstrip("Vv").lstrip("0") or "0"
        same = self._numbers.get(plain, ())
        return next((one for one in same if not app or one.app == app), None)

    def stranger(self, row: Row, found: Migration | None) -> str:
        """Give what a line names that has no file here; empty: nothing does."""
        if found is not None and _NO_FILE.search(row.text):
            return found.ident
        if found is None and row.cell:
            # goose writes a row 0 before all others.
            return "" if row.cell == "0" else row.cell
        words = self._words(row)
        if found is None and words and self._could_be(words[0], row):
            return words[0]
        for word in () if row.cell else words:
            name = PurePosixPath(word).name
            if _STRONG.fullmatch(name) and not _TIME.fullmatch(name) and not self.known(name):
                return "" if self.known(word) else name
        return ""

    def _words(self, row: Row) -> tuple[str, ...]:
        if not self.apps:
            parts = (one.rpartition(".")[2] for one in row.rest if one.count(".") == 1)
            return (*row.rest, *parts)
        # What Django prints after the first one is what that depends on.
        dotted = next((one for word in row.rest if (one := _DOTTED.fullmatch(word))), None)
        return (dotted[2],) if dotted else row.rest

    def _could_be(self, word: str, row: Row) -> bool:
        """Tell whether a word is written as the files' names or numbers are."""
        if not _IDENT.fullmatch(word) or _TIME.fullmatch(word):
            return False
        if row.sure:
            return True
        if self._linked:
            long = len(word) >= 4  # noqa: PLR2004
            return bool(_HASH.fullmatch(word)) or (long and any(map(str.isdigit, word)))
        if self._numbers:
            return bool(_NUMBERED.fullmatch(word))
        return row.words == (word,) and word.casefold() not in _WORDS
