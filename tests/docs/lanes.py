"""All pages, read in two lanes at once: most of a page's time is waiting for a rollout.

What is run in a checkout needs none of the ports that pages name, so it is read beside the rest.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.page import Block, blocks, named
from tests.docs.reading import Reading, settings
from tests.docs.scene import Scene
from tests.docs.sizes import not_here

ASIDE = "checkout"
_ORDER = ("shop", "stack")


@dataclass
class Read:
    """What became of a page."""

    ran: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    took: list[tuple[float, str]] = field(default_factory=list)


def everything(pages: Sequence[Path], scene: Scene) -> dict[str, Read]:
    """Read the pages; one that is wrong does not keep the next from being read."""
    with ThreadPoolExecutor(2) as pool:
        lanes = [pool.submit(_lane, pages, scene, aside) for aside in (False, True)]
        found = [lane.result() for lane in lanes]
    return {
        name: Read(*([*getattr(a, part), *getattr(b, part)] for part in ("ran", "wrong", "took")))
        for name, a in found[0].items()
        for b in [found[1][name]]
    }


def _lane(pages: Sequence[Path], scene: Scene, aside: bool) -> dict[str, Read]:
    found = {}
    for page in sorted(pages, key=_place):
        name = named(page)
        part = [(setting, block) for setting, block in settings(page)]
        mine = [(setting, block) for setting, block in part if (setting == ASIDE) == aside]
        reading = Reading(scene, f"{page.stem}-aside" if aside else page.stem)
        wrong = _tried(reading, iter(mine))
        found[name] = Read(reading.ran, wrong, reading.took)
        for seconds, typed in reading.took:
            sys.stderr.write(f"{seconds:6.1f} s  {name}: {typed}\n")
    return found


def _tried(reading: Reading, part: Iterator[tuple[str, Block]]) -> list[str]:
    try:
        reading.read(part)
    except AssertionError as error:
        return [str(error)]
    except Exception:  # noqa: BLE001  a page's failure is told as that page's
        return [traceback.format_exc()]
    return []


def _place(page: Path) -> tuple[int, str]:
    """Pages of one setting in a row, so that it is brought about once."""
    used = {setting for setting, _ in settings(page)}
    return max((_ORDER.index(one) + 1 for one in _ORDER if one in used), default=0), named(page)


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
