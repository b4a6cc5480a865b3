"""A database's schema is the one that the release needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from canaryctl.checking.finding import Said, failed, some, together, unknown
from canaryctl.checking.migration_files import (
    Migration,
    NotMigrationError,
    in_order,
    migration,
    tangles,
)
from canaryctl.checking.migration_output import shortfalls
from canaryctl.checking.scene import Scene
from canaryctl.checking.words import how_it_ended, line_of
from canaryctl.config.checks import MigrationsCheck
from canaryctl.drivers.tree import FileProblem

LARGEST = 4 * 2**20
"""Bytes of one migration."""
_VERSION = re.compile(r"[Vv]?\d[\w.-]*( \(dirty\))?")
"""What is believed of standard error: a version alone, and no line of a log."""


@dataclass(frozen=True, slots=True)
class Migrations:
    """The check of that name, for one database."""

    scene: Scene
    asked: MigrationsCheck

    @property
    def name(self) -> str:
        """``migrations``, with the database where there are several."""
        return f"migrations {self.asked.name}" if self.asked.name else "migrations"

    @property
    def within(self) -> float:
        """Seconds."""
        return self.asked.timeout

    def look(self) -> Said:
        """Read the files, then ask what is applied."""
        if self.asked.expect is not None:
            return self._version(self.asked.expect.replace("{version}", self.scene.version))
        problems: list[Said] = []
        files: list[Migration] = []
        for one in self._files():
            (problems if isinstance(one, Said) else files).append(one)  # type: ignore[arg-type]
        problems += [
            failed(said, "make them one line: merge or renumber") for said in tangles(files)
        ]
        if not files:
            return together(problems, "")
        ordered = in_order(files)
        count = f"{len(ordered)} migration{'s' * (len(ordered) != 1)}"
        if self.asked.applied is None:
            said = f"{count}, the newest {ordered[-1].ident}; nobody tells which are applied"
            problems.append(unknown(said, "declare checks.migrations.applied, a command"))
            return together(problems, "")
        problems += self._applied(ordered)
        return together(problems, f"{count} applied, up to {ordered[-1].ident}")

    def _files(self) -> Iterator[Said | Migration]:
        tree = self.scene.tree
        for pattern in self.asked.files:
            try:
                paths = tree.matched(pattern)
            except FileProblem as error:
                yield failed(f"{pattern}: {error}", "make it readable from here")
                continue
            if not paths:
                yield failed(f"no migration matches {pattern}", "mend checks.migrations.files")
            for path in paths:
                try:
                    found = migration(path, tree.text(path, LARGEST))
                except (FileProblem, NotMigrationError) as error:
                    yield failed(f"{path} {error}", f"put the migration itself at {path}")
                    continue
                if found is not None:
                    yield found

    def _ran(self) -> tuple[str, Said | None]:
        """Run ``applied``; give what it printed, or why that says nothing."""
        command = self.asked.applied or ()
        ran = self.scene.run(command, self.asked.timeout)
        if ran.code != 0:
            said = f"{command[0]} {how_it_ended(ran, self.asked.timeout)}"
            return "", failed(said, "see that the database answers from here, and run it by hand")
        if ran.out.strip() or not ran.err.strip():
            return ran.out, None
        if _VERSION.fullmatch(ran.err.strip()):
            return ran.err, None  # golang-migrate's `version`
        said = f"nothing is applied, or {command[0]} prints it to standard error alone"
        return "", failed(
            f"{said}: {line_of(ran.last_words)!r}",
            "migrate, then check; or have it print to standard output: a shell's `2>&1`",
        )

    def _applied(self, ordered: tuple[Migration, ...]) -> Iterator[Said]:
        out, problem = self._ran()
        if problem is not None:
            yield problem
            return
        for said in shortfalls(ordered, out):
            ahead = "there is no file" in said
            mend = (
                "check out what was migrated, or migrate back" if ahead else "migrate, then check"
            )
            yield failed(said, mend)

    def _version(self, expected: str) -> Said:
        out, problem = self._ran()
        if problem is not None:
            return problem
        lines = [line.strip() for line in out.splitlines() if line.strip()]
        if lines == [expected.strip()]:
            return passed_at(expected)
        seen = some([repr(line_of(line)) for line in lines]) or "nothing"
        return failed(f"the schema is {seen}, not {expected!r}", "migrate it, then check again")


def passed_at(version: str) -> Said:
    """Say that the schema is at the expected version."""
    return together([], f"the schema is at {version}")
