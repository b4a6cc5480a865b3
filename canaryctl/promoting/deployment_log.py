"""The deployment log: one line of each promotion, added once however often it is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from canaryctl.core.errors import HostError
from canaryctl.core.promotion_record import Record
from canaryctl.drivers.atomic_file import replaced

COLUMNS = ("time (UTC)", "service", "from", "to", "by", "rollout", "promotion", "approvals")
_MARKDOWN = (".md", ".markdown")


@dataclass(frozen=True, slots=True)
class DeploymentLog:
    """A file of tab-separated columns, or a Markdown table.

    Attributes:
        path: where it is; ``.md`` makes it a table.
    """

    path: Path

    def add(self, record: Record, service: str, at: float) -> bool:
        """Add a promotion's line, unless it is there; tells whether it was added.

        Args:
            record: of the promotion.
            service: what was promoted.
            at: epoch seconds.

        Raises:
            HostError: the file cannot be read or written.
        """
        try:
            before = self._read()
            if any(record.id in _cells(line) for line in before.splitlines()):
                return False
            gap = "" if not before or before.endswith("\n") else "\n"
            head = "" if before.strip() else self._head()
            line = self._line(_row(record, service, at))
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replaced(self.path, f"{before}{gap}{head}{line}".encode(errors="surrogateescape"))
        except OSError as error:
            raise HostError(
                f"the deployment log {self.path} cannot be written: {error.strerror or error}",
                next_step="see promotion.log; then run `canaryctl promote` again",
            ) from error
        return True

    def _read(self) -> str:
        try:
            return self.path.read_bytes().decode(errors="surrogateescape")
        except FileNotFoundError:
            return ""

    @property
    def _is_table(self) -> bool:
        return self.path.suffix.lower() in _MARKDOWN

    def _head(self) -> str:
        rule = f"|{'---|' * len(COLUMNS)}\n" if self._is_table else ""
        return self._line(COLUMNS) + rule

    def _line(self, cells: Sequence[str]) -> str:
        plain = [" ".join(cell.split()) for cell in cells]
        if self._is_table:
            return f"| {' | '.join(cell.replace('|', '/') for cell in plain)} |\n"
        return "\t".join(plain) + "\n"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.replace("|", "\t").split("\t")]


def _row(record: Record, service: str, at: float) -> tuple[str, ...]:
    approvals = ", ".join(f"{role}: {who}" for role, who in sorted(record.approvals.items()))
    return (
        datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        service,
        record.before or "-",
        record.release,
        record.owner,
        record.rollout or "-",
        record.id,
        approvals or "-",
    )
