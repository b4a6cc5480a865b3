"""Makes the README's picture from a real rollout: ``python docs/picture.py``.

The local demo runs as ``canaryctl demo`` does: a real NGINX, two versions of the service, load.
Beside the usual listener a live display draws into a recording console, and while the chosen
stage is observed what it shows becomes ``docs/rollout.svg``. The rollout goes on to its end.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import contextlib
import io
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from canaryctl.cli.context import Context, Output
from canaryctl.cli.demo import _load
from canaryctl.cli.rollout import run
from canaryctl.core.commands import Command
from canaryctl.core.events import Event
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from canaryctl.demo.local_stack import local_stack
from canaryctl.demo.stack import RELEASE
from canaryctl.drivers.clock import SystemClock
from canaryctl.listeners.live import WIDEST, LiveListener
from canaryctl.listeners.words import Banner
from canaryctl.ports import Mark

PICTURE = Path(__file__).with_name("rollout.svg")
STAGE, SECONDS = 3, 5.0
"""When the picture is taken: so long after this stage's weight was proven."""
_OBSERVE = "8s"


@dataclass(slots=True)
class Photographer:
    """A listener that keeps one moment of the live display."""

    display: LiveListener
    console: Console
    taken: bool = field(default=False)

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        """Let the display write what is over. Its console is no terminal, so that stays."""
        if not self.taken:
            self.display.heard(event, state, command)

    def ticked(self, state: State, now: float) -> None:
        """Take the picture when its moment has come."""
        moment = state.phase is Phase.OBSERVING and state.index == STAGE - 1
        if moment and not self.taken and now - state.since >= SECONDS:
            self.console.print(self.display._view(state, now))  # noqa: SLF001 - what it would draw
            self.taken = True


def svg(console: Console) -> str:
    """Give what was recorded; fonts are the reader's own, nothing is fetched from elsewhere."""
    drawn = console.export_svg(title="canaryctl demo", theme=MONOKAI, unique_id="canaryctl")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"\s*<!-- .*? -->", "", drawn)
    drawn = drawn.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


def main() -> int:
    """Run the demo and write the picture; its exit code is the rollout's."""
    console = Console(record=True, width=WIDEST, height=60, file=io.StringIO())
    banner = Banner("fragrance-ai", RELEASE, "NGINX on this machine", "both versions' own /metrics")
    photographer = Photographer(LiveListener(banner, console), console)
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="canaryctl-picture-") as folder:
        base = Path(folder)
        with local_stack(base, clock, _OBSERVE) as stack:
            given = Context(stack.config)
            build = given.build()
            build.router.set(Weight.ZERO, Mark(reason="picture"), None)
            with (
                _load(stack, base, base / "load.json"),
                contextlib.redirect_stdout(sys.stderr),
            ):
                state = run(build.config, given, RELEASE, Output.TEXT, [photographer])
    if not photographer.taken or state.ending is None:
        sys.stderr.write("the rollout ended before the picture could be taken\n")
        return 1
    PICTURE.write_text(svg(console), encoding="utf-8")
    return state.ending.exit_code


if __name__ == "__main__":
    sys.exit(main())
