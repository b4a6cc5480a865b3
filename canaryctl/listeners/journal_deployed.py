"""Which canary was brought up for which rollout, as the journal knows."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from canaryctl.core.errors import ConfigError
from canaryctl.listeners.journal_read import asked
from canaryctl.listeners.journal_rows import moment, parsed, words

if TYPE_CHECKING:
    import sqlite3

_log = logging.getLogger(__name__)

DEPLOYED = "deploy"
"""The kind of a deployment that came up."""


@dataclass(frozen=True, slots=True)
class Deed:
    """A canary that was brought up.

    Attributes:
        at: epoch seconds.
        release: its version.
        rollout: for which rollout it was.
    """

    at: float
    release: str
    rollout: str


def deployed(gateway: str, rollout: str = "", directory: Path | None = None) -> Deed | None:
    """Give the newest deployment of a canary at a gateway that came up.

    Never raises, as ``last``: without a journal none is known.

    Args:
        gateway: its identity.
        rollout: the id of the rollout that it was done for; empty: any.
        directory: where the journal is; left out, the user's state directory.
    """

    def ask(db: sqlite3.Connection) -> Deed | None:
        rows = db.execute(
            "SELECT at, release, payload FROM acts WHERE gateway = ? AND kind = ? ORDER BY id DESC",
            (gateway, DEPLOYED),
        )
        for at, release, text in rows:
            named, whose = words([release, parsed(text).get("rollout")])
            if rollout in ("", whose):
                return Deed(moment(at), named, whose)
        return None

    try:
        return asked(ask, directory)
    except ConfigError as error:
        _log.warning("%s", error)
        return None
