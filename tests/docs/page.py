"""A page of the documentation: its fenced blocks, the commands in them, and what they show.

A command stands in a ``console`` block behind ``$ ``; a line that ends with a backslash goes on
in the next; what follows `` # `` is for readers. Other lines of the block are what it prints. A
``console`` block without a command shows more of what the command before it printed. What a run
needs besides is said in comments that nobody sees, before the block:

``<!-- setting: shop -->``              where the page's commands run, from here on
``<!-- before: COMMAND -->``            done first; for what the text tells in words
``<!-- in another terminal: COMMAND -->``  started first, and left running
``<!-- until it says: TEXT -->``        … so far, before the block begins
``<!-- it ends with: CODE -->``         … and so it has to end after the block
``<!-- ends: CODE -->``                 of the block's commands; `0 or 4`, and `0, 1` one by one
``<!-- until: TEXT -->``                the last command runs until it says so, then Ctrl-C
``<!-- file: NAME -->``                 the block (in any language) is written there
``<!-- merge: NAME -->``                the YAML of the block is merged into that file
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEYS = (
    *("setting", "before", "in another terminal", "until it says", "it ends with"),
    *("ends", "until", "file", "merge"),
)
_FENCE = re.compile(r"^(\s*)```(\w*)\s*$")
_COMMENT = re.compile(r"<!-- ([a-z ]+): (.*?) -->")


@dataclass(frozen=True, slots=True)
class Command:
    """A line somebody types.

    Attributes:
        text: without the prompt, in one line.
        shows: the lines below it, as the page has them.
    """

    text: str
    shows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        where: page and line, as an editor takes them.
        language: the word behind the fence; empty: none.
        notes: the comments before it, in order: key and value.
    """

    where: str
    language: str
    body: str
    notes: tuple[tuple[str, str], ...]

    def note(self, key: str) -> str | None:
        """Give the value of the last note of this name."""
        return next((value for name, value in reversed(self.notes) if name == key), None)

    def noted(self, key: str) -> list[str]:
        """Give the values of all notes of this name."""
        return [value for name, value in self.notes if name == key]

    @property
    def output(self) -> tuple[str, ...]:
        """Give the lines before its first command."""
        lines = self.body.splitlines()
        first = next((n for n, line in enumerate(lines) if line.startswith("$ ")), len(lines))
        return tuple(lines[:first])

    @property
    def commands(self) -> tuple[Command, ...]:
        """Give its commands; only a console has any."""
        if self.language != "console":
            return ()
        found: list[tuple[str, list[str]]] = []
        goes_on = False
        for line in self.body.splitlines():
            if goes_on:
                text, shows = found.pop()
                found.append((text[:-1].rstrip() + " " + line.removeprefix("> ").strip(), shows))
            elif line.startswith("$ "):
                found.append((line.removeprefix("$ ").strip(), []))
            elif found:
                found[-1][1].append(line)
            goes_on = bool(found) and not found[-1][1] and found[-1][0].endswith("\\")
        return tuple(Command(re.sub(r"\s+# .*", "", text), tuple(shows)) for text, shows in found)


def pages() -> list[Path]:
    """Give every page for readers; what has changed is no instruction."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


TRANSLATED = {"docs/guide.ko.md": "docs/guide.md"}
"""A page, and the one whose blocks it has, word for word: ``test_blocks`` sees to that."""


def named(page: Path) -> str:
    """Name a page as seen from the top."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> Iterator[Block]:
    """Read a page. Comments belong to the next block."""
    notes: list[tuple[str, str]] = []
    fence: tuple[int, str, str] | None = None
    body: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        opened = _FENCE.match(line)
        if fence is None and opened:
            fence, body = (number, opened[1], opened[2]), []
        elif fence is None:
            notes += [(key, value) for key, value in _COMMENT.findall(line) if key in KEYS]
        elif line.strip() == "```":
            text = "".join(f"{one.removeprefix(fence[1])}\n" for one in body)
            yield Block(f"{named(page)}:{fence[0]}", fence[2], text, tuple(notes))
            fence, notes = None, []
        else:
            body.append(line)


def comments(page: Path) -> set[str]:
    """Give the keys of all comments that look like notes."""
    return {key for key, _ in _COMMENT.findall(page.read_text(encoding="utf-8"))}
