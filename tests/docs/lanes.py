"""All pages, read in three lanes at once: most of a page's time is waiting for a rollout.

The shop and the stack of Compose have the same ports, so each has a machine of its own. What is run
in a checkout needs none of these ports, and is read beside both.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.page import Block, blocks, named
from tests.docs.reading import Reading, settings
from tests.docs.scene import Scene
from tests.docs.sizes import not_here

LANES = ("shop", "stack", "checkout")
_STACK = {"new stack", "stack"}


@dataclass
class Read:
    """What became of a page."""

    ran: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    took: list[tuple[float, str]] = field(default_factory=list)


def everything(pages: Sequence[Path], scenes: Mapping[str, Scene]) -> dict[str, Read]:
    """Read the pages; one that is wrong does not keep the next from being read.

    Args:
        pages: which.
        scenes: one for each lane.
    """
    found = {named(page): Read() for page in pages}
    with ThreadPoolExecutor(len(LANES)) as pool:
        for lane in [pool.submit(_lane, pages, one, scenes[one]) for one in LANES]:
            for name, read in lane.result():
                found[name].ran += read.ran
                found[name].wrong += read.wrong
                found[name].took += read.took
    return found


def _lane(pages: Sequence[Path], lane: str, scene: Scene) -> list[tuple[str, Read]]:
    """Read what is this lane's; pages with something new to set up come first."""
    found = []
    for page in sorted(pages, key=lambda page: ("new " not in _used(page), named(page))):
        mine = [part for part in settings(page) if _lane_of(page, part[0]) == lane]
        reading = Reading(scene, f"{page.stem}-{lane}")
        wrong = _tried(reading, iter(mine))
        found.append((named(page), Read(reading.ran, wrong, reading.took)))
        for seconds, typed in reading.took:
            sys.stderr.write(f"{seconds:6.1f} s  {named(page)}: {typed}\n")
    return found


def _lane_of(page: Path, setting: str) -> str:
    if setting == "checkout":
        return setting
    return "stack" if _STACK & {setting for setting, _ in settings(page)} else "shop"


def _used(page: Path) -> str:
    return " ".join(setting for setting, _ in settings(page))


def _tried(reading: Reading, part: Iterator[tuple[str, Block]]) -> list[str]:
    try:
        reading.read(part)
    except AssertionError as error:
        return [str(error)]
    except Exception:  # noqa: BLE001  a page's failure is told as that page's
        return [traceback.format_exc()]
    return []


def unread(page: Path, ran: Sequence[str]) -> list[str]:
    """Give the commands of a page that were not typed, though they should have been."""
    left = list(ran)
    missed = []
    for block in blocks(page):
        for command in block.commands:
            if command.text in left:
                left.remove(command.text)
            elif not not_here(command.text):
                missed.append(f"{block.where}: {command.text}")
    return missed
