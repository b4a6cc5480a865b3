"""An entry in the changelog, made of the commits' first lines for somebody to edit. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TITLE = "# Changes\n\n"
_BETWEEN = re.compile(r"[\s\[\](){}:,;*`\"'\u2013\u2014]+")
_HEADING = re.compile(r"^##[ \t]", re.MULTILINE)


def entry(version: str, day: str, subjects: Sequence[str]) -> str:
    """Write the entry of a version.

    Args:
        version: the release.
        day: such as ``2025-06-30``.
        subjects: of the commits since the last release.
    """
    lines = [f"- {_plain(one)}" for one in subjects] or ["- What users notice"]
    return f"## {version} ({day})\n\n" + "\n".join(lines) + "\n\n"


def has_entry(text: str, version: str) -> bool:
    """Tell whether a changelog speaks of a version in a heading, with or without its v."""
    names = {version, version.removeprefix("v")}
    headings = re.findall(r"^#{1,3}[ \t]+(.*)$", text, re.MULTILINE)
    return any(names & set(_BETWEEN.split(one)) for one in headings)


def with_entry(text: str, new: str) -> str:
    """Put an entry before all others, with the line ends that the changelog has."""
    if not text.strip():
        return _TITLE + new
    end = "\r\n" if "\r\n" in text else "\n"
    new = new.replace("\n", end)
    first = _HEADING.search(text)
    if first is None:
        return text.rstrip("\r\n") + 2 * end + new
    return text[: first.start()] + new + text[first.start() :]


def without_entry(text: str, new: str) -> str:
    """Take out an entry that ``with_entry`` has put in; a text without it stays as it is."""
    given = new.replace("\n", "\r\n") if "\r\n" in text else new
    before = text.replace(given, "", 1)
    return before if with_entry(before, new) == text else text


def _plain(subject: str) -> str:
    words = "".join(one for one in " ".join(subject.split()) if one.isprintable())
    return words.replace("<", "&lt;")
