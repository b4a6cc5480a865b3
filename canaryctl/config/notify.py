"""``notify``: who is told what, through apprise."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints, field_validator

from canaryctl.config.base import Model
from canaryctl.core.notice import Channel, Level, Occasion

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
Event = Literal[
    "started",
    "stage",
    "waiting",
    "paused",
    "trouble",
    "succeeded",
    "rolled_back",
    "aborted",
    "unproven",
    "abandoned",
    "promoted",
]


class ChannelModel(Model):
    """One channel."""

    name: Annotated[
        str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")
    ]
    to: SecretStr = Field(description="an apprise URL such as slack://…, mailto://…; a secret")
    events: tuple[Event, ...] = Field((), description="what it is told of; left out: everything")
    severity: Level = Field(Level.INFO, description="it is told of nothing below that")

    @field_validator("to", mode="after")
    @classmethod
    def _is_url(cls, value: SecretStr) -> SecretStr:
        if not _URL.fullmatch(value.get_secret_value()):
            # No example in full, nor a word as long as a secret: what was given counts as one,
            # and would be masked in the example too.
            raise ValueError("an apprise URL: such as slack, json or ntfy, then :// and the rest")
        return value

    def core(self) -> Channel:
        """Give it as the core's."""
        return Channel(
            name=self.name,
            to=self.to.get_secret_value(),
            events=frozenset(map(Occasion, self.events)),
            severity=self.severity,
        )
