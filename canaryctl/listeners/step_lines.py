"""Steps around a rollout, as plain lines or as one JSON object a line.

The same for a deployment and a promotion: each step is announced before it is done and confirmed
after it, with the seconds that it took.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, TextIO

from canaryctl.core.redaction import SECRETS
from canaryctl.listeners.jsonable import compact
from canaryctl.listeners.line import clean
from canaryctl.listeners.outlet import Outlet
from canaryctl.listeners.when import hms, iso
from canaryctl.ports import Clock

_INDENT = " " * len("HH:MM:SS  ")


@dataclass(slots=True)
class StepLines:
    """Writes them.

    Attributes:
        event: what the objects are called: deploy or promotion.
        clock: for the times.
        text: where people read; None: nowhere.
        machine: where the objects go; None: nowhere.
        zone: of the times; None is this machine's.
    """

    event: str
    clock: Clock
    text: TextIO | None
    machine: TextIO | None = None
    zone: tzinfo | None = None
    _out: Outlet | None = field(default=None, init=False)
    _objects: Outlet | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._out = Outlet(self.text) if self.text is not None else None
        self._objects = Outlet(self.machine) if self.machine is not None else None

    def begun(self, step: str, said: str) -> None:
        """Announce a step."""
        self._object(step, "begun", said)
        self.say(f"{step}: {said}")

    def done(self, step: str, said: str, seconds: float) -> None:
        """Confirm it."""
        self._object(step, "done", said, seconds=round(seconds, 3))
        self.say(f"✓ {step}: {said} ({seconds:.1f} s)", indent=True)

    def failed(self, step: str, said: str, seconds: float) -> None:
        """Say what went wrong."""
        self._object(step, "failed", said, seconds=round(seconds, 3))
        said = said.removeprefix(f"{step}: ")
        self.say(f"✗ {step}: {said} ({seconds:.1f} s)", indent=True)

    def note(self, step: str, said: str) -> None:
        """Say something worth knowing."""
        self._object(step, "note", said)
        self.say(f"– {step}: {said}" if not said.startswith(" ") else f"  {said}", indent=True)

    def say(self, text: str, *, indent: bool = False) -> None:
        """Write a line for people."""
        if self._out is not None:
            front = _INDENT if indent else f"{hms(self.clock.now(), self.zone)}  "
            self._out.write(front + clean(SECRETS.hide(text)))

    def block(self, lines: list[str]) -> None:
        """Write lines as they are, for people: the block at an end."""
        if self._out is not None:
            for line in lines:
                self._out.write(clean(SECRETS.hide(line)).rstrip())

    def tell(self, more: Mapping[str, Any]) -> None:
        """Write an object that is no step."""
        if self._objects is not None:
            self._objects.write(SECRETS.hide(compact({"at": iso(self.clock.now()), **more})))

    def _object(self, step: str, status: str, said: str, **more: float) -> None:
        self.tell({"event": self.event, "step": step, "status": status, "said": said, **more})
