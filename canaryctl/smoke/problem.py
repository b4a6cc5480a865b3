"""What is wrong at one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """What was expected, and what came.

    Attributes:
        where: in the answer, the log or the metrics page.
        expected: in words, with the value.
        came: the same.
        next_step: what to do, where there is something; may be empty.
    """

    where: str
    expected: str
    came: str
    next_step: str = ""

    @property
    def text(self) -> str:
        """One line."""
        return f"{self.where}: expected {self.expected}, came {self.came}"
