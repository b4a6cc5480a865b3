"""The runbook is there, and every procedure in it has a section with content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from canaryctl.checking.finding import Said, failed, together, unknown
from canaryctl.checking.markdown import Section, sections
from canaryctl.checking.scene import Scene
from canaryctl.config.checks import RunbookCheck
from canaryctl.drivers.tree import AbsentError, FileProblem

LARGEST = 4 * 2**20
"""Bytes of a runbook."""


@dataclass(frozen=True, slots=True)
class Runbook:
    """The check of that name.

    Attributes:
        declared: whether canary.yaml has a section for it.
    """

    scene: Scene
    asked: RunbookCheck
    declared: bool
    name: str = "runbook"
    within: float = 30.0

    def look(self) -> Said:
        """Read the page."""
        file = self.asked.file
        try:
            text = self.scene.tree.text(file, LARGEST)
        except FileProblem as error:
            if isinstance(error, AbsentError) and not self.declared:
                return unknown(f"there is no {file}", "write it, or declare checks.runbook.file")
            wanted = ", ".join(self.asked.procedures)
            return failed(f"{file} {error}", f"write it, with sections for {wanted}")
        return together(
            list(missing(file, self.asked.procedures, sections(text))),
            f"{file} has {', '.join(self.asked.procedures)}",
        )


def missing(file: str, procedures: tuple[str, ...], found: tuple[Section, ...]) -> Iterator[Said]:
    """Name the procedures that a page has not, or only as a heading."""
    for one in procedures:
        named = [part for part in found if part.is_called(one) and not part.is_title]
        if not named:
            yield failed(
                f"{file} has no section {one}",
                f"add a heading with the words {one!r}, and the steps below it",
            )
        elif not any(part.is_filled for part in named):
            yield failed(f"{file}: the section {one} is empty", f"write the steps of {one}")
