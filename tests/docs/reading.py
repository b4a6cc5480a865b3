"""Reads a page as its reader would: types each command, and compares what it prints."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.docs.page import Block, Command, blocks
from tests.docs.scene import COPIES, Scene
from tests.docs.shape import missing
from tests.docs.shop import LONG, SHORT, shortened
from tests.docs.sizes import ROLLOUT, as_run, not_here
from tests.docs.terminal import Ran, Terminal, Typed

DEFAULT = "shop"
_ANY_END = (0, 1, 3, 130)


def settings(page: Path) -> Iterator[tuple[str, Block]]:
    """Give each block that does something, with the setting it is in."""
    setting = DEFAULT
    for block in blocks(page):
        setting = block.note("setting") or setting
        if block.commands or block.notes or (block.language == "console" and block.output):
            yield setting, block


@dataclass
class Reading:
    """A page being read, from top to bottom; of one that is split between lanes, a part.

    Attributes:
        page: its name, for the reader's own files.
        ran: the commands that were typed, as the page has them.
        took: seconds, and what was typed for it.
    """

    scene: Scene
    page: str
    ran: list[str] = field(default_factory=list)
    took: list[tuple[float, str]] = field(default_factory=list)
    _terminal: Terminal | None = None
    _setting: str = ""
    _last: Ran | None = None
    _beside: Typed | None = None

    def read(self, part: Iterator[tuple[str, Block]]) -> None:
        """Read it."""
        with contextlib.ExitStack() as ended:
            for setting, block in part:
                terminal = self._in(setting, ended)
                self._write(block, terminal)
                self._open(block, terminal, ended)
                self._type(block, terminal)
                self._end(block)

    def _in(self, setting: str, ended: contextlib.ExitStack) -> Terminal:
        """Give the terminal, in the folder of the setting."""
        folder = self.scene.enter(setting) if setting != self._setting else None
        if self._terminal is None:
            assert folder is not None
            if setting not in COPIES:
                self.scene.fresh()
            notes = self.scene.base / "terminals" / self.page
            env = self.scene.reader(self.page)
            self._terminal = Terminal(self.scene.place, notes, env, folder)
            ended.callback(self._terminal.close)
        if folder is not None:
            self._terminal.go(folder)
            self._terminal.outside = setting == "clone"
            self._setting = setting
        return self._terminal

    @staticmethod
    def _write(block: Block, terminal: Terminal) -> None:
        if name := block.note("file"):
            (terminal.here / name).write_text(block.body, encoding="utf-8")
        if name := block.note("merge"):
            path = terminal.here / name
            whole = _merged(yaml.safe_load(path.read_text()), yaml.safe_load(block.body))
            path.write_text(yaml.safe_dump(whole, allow_unicode=True))

    def _open(self, block: Block, terminal: Terminal, ended: contextlib.ExitStack) -> None:
        """Do what the block needs first, in order; also in another terminal."""
        for key, value in block.notes:
            if key == "before":
                self._typed(terminal, block, Command(value, ()), (0,))
            elif key == "in another terminal":
                shortened(terminal.here / "canary.yaml", LONG)
                other = terminal.another()
                ended.callback(other.close)
                self._beside = other.type(self._real(terminal, value))
            elif key == "until it says":
                assert self._beside is not None, f"{block.where}: there is no other terminal"
                self._beside.says(value)
                shortened(terminal.here / "canary.yaml", SHORT)

    def _type(self, block: Block, terminal: Terminal) -> None:
        if block.language == "console":
            self._shown(block, block.output)
        codes = _codes(block.note("ends") or "", len(block.commands))
        for number, (command, allowed) in enumerate(zip(block.commands, codes, strict=True), 1):
            if not_here(command.text):
                continue
            until = block.note("until") if number == len(block.commands) else None
            self._typed(terminal, block, command, allowed, until)
            self.ran.append(command.text)

    def _end(self, block: Block) -> None:
        """Let the other terminal end: by itself where the page says how, else by Ctrl-C."""
        beside, self._beside = self._beside, None
        if beside is None:
            return
        if code := block.note("it ends with"):
            ran = self._last = beside.ended()
            assert ran.code in _codes(code, 1)[0], f"{ran.command}: {ran.code}:\n{ran.printed}"
        else:
            beside.close()

    def _typed(
        self,
        terminal: Terminal,
        block: Block,
        command: Command,
        allowed: tuple[int, ...],
        until: str | None = None,
    ) -> None:
        real = self._real(terminal, command.text)
        typed = terminal.type(real)
        if until:
            typed.says(until)
            typed.interrupt()
        ran = typed.ended()
        self.took.append((ran.seconds, real))
        assert ran.code in (_ANY_END if until else allowed), (
            f"{block.where}: `{real}` ended with {ran.code}, not {allowed}:\n{ran.printed}"
        )
        self._last = ran
        self._shown(block, command.shows)
        if re.search(r"\bcanaryctl init\b", real):
            shortened(terminal.here / "canary.yaml", SHORT)

    def _shown(self, block: Block, lines: tuple[str, ...]) -> None:
        """See that the page shows what the last command printed."""
        if not any(line.strip() for line in lines):
            return
        assert self._last is not None, f"{block.where}: shows an output before any command"
        absent = missing(lines, self._last.printed)
        assert absent is None, (
            f"{block.where}: `{self._last.command}` does not print this line (any more), or not in "
            f"this place:\n  {absent}\nIt printed:\n{self._last.printed}"
        )

    def _real(self, terminal: Terminal, command: str) -> str:
        """Give a command with its size, and with a rollout of this reader's."""
        small = as_run(command)
        if not re.search(r"canaryctl (history|replay|report)", small) or not ROLLOUT.search(small):
            return small
        listed = terminal.type("canaryctl history --output json --limit 50").ended().printed
        found = re.search(r'"id": ?"(20\d{6}-\d{6}-[0-9a-f]{4})"', listed)
        assert found, f"{command}: the page has rolled nothing out yet: {listed}"
        return ROLLOUT.sub(found[1], small)


def _codes(said: str, count: int) -> list[tuple[int, ...]]:
    """Read `1`, `0 or 4`, or `0, 1`: the last ones are those of the last commands."""
    parts = [tuple(map(int, part.split(" or "))) for part in said.split(",") if part.strip()]
    return [(0,)] * (count - len(parts)) + parts if count else []


def _merged(whole: Any, part: Any) -> Any:
    if not (isinstance(whole, dict) and isinstance(part, dict)):
        return part
    return {**whole, **{key: _merged(whole.get(key), value) for key, value in part.items()}}
