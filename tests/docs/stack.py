"""The stack of ``compose/``, in a copy of this checkout, as docs/stack.md brings it up."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.docs.page import ROOT
from tests.docs.place import Place
from tests.docs.shop import CLIENTS, shortened
from tests.e2e.harness import eventually

RELEASES = ("v0.1.0", "v0.2.0")
GUARD = "canaryctl/guard:1"


def images() -> dict[str, str]:
    """Give the variables of ``no-registry.env``: the images that are here."""
    text = (ROOT / "compose/no-registry.env").read_text(encoding="utf-8")
    lines = [line.partition("=") for line in text.splitlines() if not line.startswith("#")]
    return {name: value for name, equals, value in lines if equals}


class Stack:
    """The project.

    Args:
        place: where.
        checkout: a copy of this checkout, not run in by anybody else.
    """

    def __init__(self, place: Place, checkout: Path) -> None:
        self.place = place
        self.folder = checkout / "compose"

    def up(self) -> None:
        """Start it, with all traffic on stable."""
        self.reset()
        self.place.run(self.folder, "app/build", *RELEASES)
        if not self.place.docker("images", "--quiet", GUARD).strip():
            self.place.run(self.folder, "guard/build", within=300, outside=True)
        self.restart()

    def restart(self) -> None:
        """Bring what runs to what the files say, and all traffic onto stable."""
        self.place.run(self.folder, "docker-compose", "up", "-d", "--remove-orphans", within=180)
        self.place.run(self.folder, "canaryctl", "weights", "set", "0")
        eventually(lambda: self.place.answers(CLIENTS), f"{CLIENTS} answers")

    def reset(self) -> None:
        """Take back what a page has written into the folder."""
        for one in self.folder.iterdir():
            if not (ROOT / "compose" / one.name).exists():
                shutil.rmtree(one) if one.is_dir() else one.unlink()
        shutil.copy(self.folder / ".env.example", self.folder / ".env")
        shutil.copy(ROOT / "compose/canary.yaml", self.folder)
        shortened(self.folder / "canary.yaml")
        # Stages of seconds want samples as often.
        prometheus = (ROOT / "compose/prometheus/stack.yml").read_text(encoding="utf-8")
        often = re.sub(r"(scrape_interval|scrape_timeout): \w+", r"\1: 1s", prometheus)
        (self.folder / "prometheus/stack.yml").write_text(often, encoding="utf-8")

    def down(self) -> None:
        """Take it down."""
        self.place.run(self.folder, "docker-compose", "down", "--volumes", "--timeout", "2")
