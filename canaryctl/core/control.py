"""What people ask of a running rollout, from any terminal: a file beside NGINX's own.

Requests are added by whoever asks; the rollout that leads answers them, in the same file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

_LONGEST = 1_000_000
"""Characters; a longer file holds nothing that a rollout reads."""
MOST_KEPT = 50
"""Requests, and answers, that the file keeps."""


class Verb(StrEnum):
    """What can be asked."""

    PAUSE = "pause"
    CONTINUE = "continue"
    ADVANCE = "advance"
    HOLD = "hold"
    ABORT = "abort"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True)
class Request:
    """One of them.

    Attributes:
        id: names it; no other has the same.
        rollout: of which rollout it is asked.
        verb: what is asked.
        who: ``user@machine``.
        why: in words; may be empty.
        role: as whom an approval is given; empty for anything else.
    """

    id: str
    rollout: str
    verb: Verb
    who: str
    why: str = ""
    role: str = ""

    @property
    def by(self) -> str:
        """Who asked, and why, for a sentence."""
        return f"{self.who} ({self.why})" if self.why else self.who


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request.

    Attributes:
        request: its id.
        accepted: whether it was done.
        said: in words: what was done, or why not and what to do instead.
    """

    request: str
    accepted: bool
    said: str


@dataclass(frozen=True, slots=True)
class Desk:
    """All that the file holds, oldest first."""

    requests: tuple[Request, ...] = ()
    answers: Mapping[str, Answer] = field(default_factory=dict)

    def text(self) -> str:
        """Give the file's text."""
        kept = list(self.answers.values())[-MOST_KEPT:]
        said = {
            "requests": [asdict(one) for one in self.requests[-MOST_KEPT:]],
            "answers": [asdict(one) for one in kept],
        }
        return json.dumps(said, ensure_ascii=True) + "\n"

    def asked(self, request: Request) -> Desk:
        """Add a request."""
        return Desk((*self.requests, request), self.answers)

    def withdrawn(self, request: Request) -> Desk:
        """Take a request away that nobody has answered; an answer is left."""
        left = tuple(one for one in self.requests if one.id != request.id)
        return Desk(left, self.answers)

    def answered(self, answer: Answer) -> Desk:
        """Add an answer, and take its request away."""
        left = tuple(one for one in self.requests if one.id != answer.request)
        return Desk(left, {**self.answers, answer.request: answer})


def parse_desk(text: str | None) -> Desk:
    """Read the file; what is not a request or an answer in it is left out, never believed."""
    if text is None or len(text) > _LONGEST:
        return Desk()
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return Desk()
    if not isinstance(said, dict):
        return Desk()
    requests = [_request(one) for one in _listed(said.get("requests"))]
    answers = [_answer(one) for one in _listed(said.get("answers"))]
    return Desk(
        tuple(one for one in requests if one is not None),
        {one.request: one for one in answers if one is not None},
    )


def _listed(value: Any) -> list[Any]:
    return value[-MOST_KEPT:] if isinstance(value, list) else []


def _request(said: Any) -> Request | None:
    if not isinstance(said, dict) or not all(isinstance(one, str) for one in said.values()):
        return None
    try:
        return Request(**{**said, "verb": Verb(str(said.get("verb")))})
    except (TypeError, ValueError):
        return None


def _answer(said: Any) -> Answer | None:
    match said:
        case {"request": str(request), "accepted": bool(accepted), "said": str(words)}:
            return Answer(request, accepted, words)
    return None
