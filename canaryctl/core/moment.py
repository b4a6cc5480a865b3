"""A moment of one machine, told so that changes of its clock mean nothing.

The uptime of the kernel never jumps. It begins anew with each start of the machine, hence the
boot's id beside it. Two moments of different boots cannot be compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_UPTIME = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(?: [\d.]+)?")


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was, on the machine that wrote it.

    Attributes:
        boot: names this start of the machine; the same for all its containers.
        uptime: seconds since then.
    """

    boot: str
    uptime: float

    def since(self, earlier: Moment) -> float | None:
        """Give the seconds from ``earlier`` to this; None when the machine started in between."""
        if earlier.boot != self.boot or earlier.uptime > self.uptime:
            return None
        return self.uptime - earlier.uptime

    def stamp(self) -> str:
        """Give the two lines in which it stands in a file."""
        return f"{self.boot}\n{self.uptime:.2f}\n"


def parse_moment(text: str) -> Moment | None:
    """Read the two lines: a boot's id, and what ``/proc/uptime`` says; None for anything else."""
    lines = text.splitlines()
    if len(lines) != 2 or not lines[0].strip():  # noqa: PLR2004  the boot, the uptime
        return None
    found = _UPTIME.fullmatch(lines[1].strip())
    return Moment(lines[0].strip(), float(found.group(1))) if found else None
