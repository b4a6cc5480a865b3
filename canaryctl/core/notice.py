"""What people are told who do not look at the terminal, and who of them is told what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote

_PASSWORD = re.compile(r"://[^/?#:@]*:([^/?#]*)@")
# With a digit, or long: "rollouts" in a path is a word that messages have to say.
_TOKEN = re.compile(r"(?=.*[0-9]).{6,}|.{16,}")
# Where the host is a server's name, and no token.
_HOST = re.compile(r"(?i)(?:json|xml|form|mailto)s?://(?:[^/?#]*@)?([^/?#]*)")


class Level(StrEnum):
    """How much a notice matters. Critical: a person has to look now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 and up; the higher, the more it matters."""
        return list(Level).index(self)


class Occasion(StrEnum):
    """What a notice is about."""

    STARTED = "started"
    STAGE = "stage"
    WAITING = "waiting"
    PAUSED = "paused"
    TROUBLE = "trouble"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"
    UNPROVEN = "unproven"
    ABANDONED = "abandoned"
    PROMOTED = "promoted"
    TEST = "test"


LEVELS = {
    Occasion.STARTED: Level.INFO,
    Occasion.STAGE: Level.INFO,
    Occasion.WAITING: Level.WARNING,
    Occasion.PAUSED: Level.WARNING,
    Occasion.TROUBLE: Level.WARNING,
    Occasion.SUCCEEDED: Level.INFO,
    Occasion.ROLLED_BACK: Level.WARNING,
    Occasion.ABORTED: Level.WARNING,
    Occasion.UNPROVEN: Level.CRITICAL,
    Occasion.ABANDONED: Level.CRITICAL,
    Occasion.PROMOTED: Level.INFO,
    Occasion.TEST: Level.INFO,
}
"""Traffic that is proven on stable again can wait for the morning; what nobody leads cannot."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message.

    Attributes:
        occasion: what it is about.
        title: one line.
        body: plain text, some lines.
    """

    occasion: Occasion
    title: str
    body: str

    @property
    def level(self) -> Level:
        """How much it matters."""
        return LEVELS[self.occasion]


def trial(service: str, by: str) -> Notice:
    """Give a message that says of itself that it is a test.

    Args:
        service: whose channels are tried.
        by: who tries them, and how, in words.
    """
    body = f"This is a test: nothing has happened.\nIt was sent by {by}."
    return Notice(Occasion.TEST, f"{service}: a test by canaryctl", body)


@dataclass(frozen=True, slots=True)
class Channel:
    """Where notices go.

    Attributes:
        name: as messages call it.
        to: an apprise URL, which is a secret.
        events: what it is told of; empty: of everything.
        severity: it is told of nothing below that.
    """

    name: str
    to: str = field(repr=False)
    events: frozenset[Occasion] = frozenset()
    severity: Level = Level.INFO

    def secrets(self) -> Iterator[str]:
        """Give what is secret in the URL: all of it, its password, and each part like a token.

        In most of them tokens stand where others have host and path.
        """
        yield self.to
        if (login := _PASSWORD.search(self.to)) is not None:
            yield from {login[1], unquote(login[1])}
        host = _HOST.match(self.to)
        public = host[1].split(":") if host else []
        for part in re.split(r"[/?&=@:#]+", self.to.partition("://")[2]):
            for form in {part, unquote(part)}:
                if _TOKEN.fullmatch(form) and form not in public:
                    yield form

    def wants(self, notice: Notice) -> bool:
        """Whether it is told."""
        chosen = not self.events or notice.occasion in self.events
        return chosen and notice.level.rank >= self.severity.rank
