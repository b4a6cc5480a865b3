"""The wall clock of canaryctl's machine jumps by an hour, there and back."""

from __future__ import annotations

import os
from pathlib import Path

from tests.chaos.faults.base import Cell, Fault

_SHIM = Path(__file__).with_name("clock_shim")
HOUR = 3600


def _file(cell: Cell) -> Path:
    return cell.world.site.base / "clock"


def _env(cell: Cell) -> dict[str, str]:
    path = os.environ.get("PYTHONPATH")
    found = str(_SHIM) if not path else f"{_SHIM}{os.pathsep}{path}"
    return {"PYTHONPATH": found, "CHAOS_CLOCK": str(_file(cell))}


def _jump(by: int) -> Fault:
    def strike(cell: Cell) -> None:
        _file(cell).write_text(str(by))

    return Fault(
        f"clock jumps {by // HOUR:+d} h",
        strike,
        lambda cell: _file(cell).unlink(missing_ok=True),
        lasts=2.0,
        env=_env,
        # Nothing is lost by it: what runs goes on, what goes back goes back.
        codes=frozenset({0, 130}),
    )


FAULTS = (_jump(HOUR), _jump(-HOUR))
