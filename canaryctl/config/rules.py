"""What spans several places of canary.yaml, said where it stands: names that are used twice."""

from __future__ import annotations

from collections.abc import Iterator

from canaryctl.config.mistakes import Place
from canaryctl.config.model import Config


def broken(config: Config) -> Iterator[tuple[Place, str]]:
    """Give each mistake with its place."""
    for key, entries in (("gates", config.gates), ("notify", config.notify)):
        names: list[str] = []
        for index, one in enumerate(entries):
            if one.name in names:
                yield (key, index, "name"), f"the name {one.name!r} is used twice"
            names.append(one.name)
