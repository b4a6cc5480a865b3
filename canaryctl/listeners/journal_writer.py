"""Writing to the journal's file: opened late, retried when busy, given up on quietly."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from canaryctl.listeners.journal_file import (
    hidden,
    inode,
    is_broken,
    is_busy,
    move_aside,
    open_to_write,
    state_directory,
)

if TYPE_CHECKING:
    import sqlite3

_log = logging.getLogger(__name__)
_MOST_PENDING = 1000

Row = tuple[str, tuple[object, ...]]
"""A statement and its values."""


class Writer:
    """The open file, which is opened late and given up on quietly."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._connection: sqlite3.Connection | None = None
        self._pending: list[Row] = []
        self._warned = False
        self._quiet = False
        self.number = 0
        """Grows with each file that had to be begun anew."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows, and those that had to wait, in one transaction. Never raises."""
        if self._quiet:
            return
        self._pending += rows
        try:
            if self._directory is None:
                self._directory = state_directory()
            self._flush(self._directory)
        except Exception as error:  # noqa: BLE001  whatever it is, the rollout goes on
            if is_busy(error) and len(self._pending) < _MOST_PENDING:
                self._warn(f"another process is writing to it ({error}); entries are kept for now")
                return
            self.give_up(str(error) or type(error).__name__)

    def close(self) -> None:
        """Write what had to wait, as far as that is possible, and close."""
        if self._pending and not self._quiet:
            self.write(())
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except Exception:  # noqa: BLE001  all entries were committed
                _log.debug("closing the journal", exc_info=True)

    def give_up(self, why: str, *, exc_info: bool = False) -> None:
        """Say once that there is no journal from now on, and keep still."""
        self._quiet = True
        self._pending.clear()
        self._warned = False
        self._warn(f"{why}; the rollout goes on without it", exc_info=exc_info)
        self.close()

    def _flush(self, directory: Path) -> None:
        try:
            self._commit(directory)
        except Exception as error:
            if not is_broken(error):
                raise
            found = inode(directory)
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()
            aside = move_aside(directory, found)
            self.number += 1
            _log.warning("the journal was broken (%s) and begins anew; it is %s now", error, aside)
            self._commit(directory)

    def _commit(self, directory: Path) -> None:
        if self._connection is None:
            self._connection = open_to_write(directory)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for statement, values in self._pending:
                self._connection.execute(statement, hidden(values))
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._pending.clear()

    def _warn(self, why: str, *, exc_info: bool = False) -> None:
        if not self._warned:
            self._warned = True
            _log.warning("journal in %s: %s", self._directory, why, exc_info=exc_info)
