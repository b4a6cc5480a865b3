"""What is run in a smaller form than the page says, and the little that is not run here.

The first table may only make a command smaller: it changes the value of a flag or variable, or adds
one, and nothing else. ``test_blocks`` sees to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Smaller:
    """A command that takes too long as it stands.

    Attributes:
        of: a pattern for the whole command.
        size: what is added to it, or takes the place of the group ``size`` in the pattern.
    """

    of: str
    size: str

    def made(self, command: str) -> str | None:
        """Give the small form; None: this is another command."""
        found = re.fullmatch(self.of, command)
        if found is None:
            return None
        if "size" in found.groupdict():
            return command[: found.start("size")] + self.size + command[found.end("size") :]
        return f"{command} {self.size}"


SMALLER = (
    Smaller(r"make demo(-docker)?", 'DEMO="--observation-period 3s"'),
    Smaller(
        r"(\.venv/bin/)?canaryctl demo( --(fault|fault-stage) \w+)*", "--observation-period 5s"
    ),
    Smaller(r"make test", 'PYTEST="tests/core/test_weight.py -q"'),
    Smaller(r"make bench", 'BENCH="share --quick"'),
    Smaller(r'make bench BENCH="weight_change --runs (?P<size>\d+)"', "1"),
    Smaller(r"make chaos", 'CHAOS="kills --n 1"'),
    Smaller(r"make fuzz", "FUZZ='50 --only canary.yaml'"),
    Smaller(r"\S*python -m tests\.chaos\.kills --n (?P<size>\d+) --seed 1", "1"),
    Smaller(r"canaryctl simulate( --rps [\d,]+)?( --families \".*\")?", "--runs 2"),
    Smaller(r"canaryctl simulate --rps [\d,]+ --runs (?P<size>\d+) --all -o json", "1"),
    Smaller(r"canaryctl rollout .*--observation-period (?P<size>\d+m).*", "2s"),
)

NOT_HERE: dict[str, str] = {}
"""A pattern for the whole command, and why no test can run it."""

ROLLOUT = re.compile(r"(?<= )(ID|20\d{6}-\d{4,6}(-[0-9a-f]{4})?)(?= |$)")
"""How pages name a rollout of the reader's own: the newest one of the page's journal stands in."""


def as_run(command: str) -> str:
    """Give what is typed in the test in place of the page's command."""
    return next((small for one in SMALLER if (small := one.made(command))), command)


def not_here(command: str) -> str | None:
    """Say why a command is not run; None: it is."""
    return next((why for of, why in NOT_HERE.items() if re.fullmatch(of, command)), None)
