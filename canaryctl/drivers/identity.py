"""Who answers behind each address: asked before a stage, so that weights mean what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from canaryctl.core.errors import HostError
from canaryctl.core.redaction import SECRETS
from canaryctl.drivers.bounded_http import BoundedHttp, RequestError
from canaryctl.ports import Clock, Host, Identified

TIMEOUT = 2.0
"""Seconds for one peer to answer."""
_LONGEST = 100_000
_MOST_SAID = 60
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Question:
    """What a version's peers are asked.

    Attributes:
        version: stable or canary, for messages.
        addresses: as NGINX is told them.
        path: of the request; None: they are not asked.
        field: of the JSON answer, its parts joined by dots; empty: the whole answer.
        equals: what it has to be; ``{release}`` stands for the version being rolled out.
    """

    version: str
    addresses: Sequence[str]
    path: str | None = None
    field: str = ""
    equals: str = "{release}"


@dataclass(frozen=True, slots=True)
class Identities:
    """Asks the peers of both versions who they are.

    Attributes:
        host: looks addresses up as NGINX does.
        clock: for the time limits.
        questions: one for each version.
    """

    host: Host
    clock: Clock
    questions: Sequence[Question]

    def check(self, release: str) -> tuple[Identified, ...]:
        """See ``ports.Identifying``."""
        peers = {one.version: self._peers(one) for one in self.questions}
        found = list(self._shared(peers))
        asked = [
            (one, address, peer)
            for one in self.questions
            if one.path is not None
            for address, behind in peers[one.version]
            for peer in behind
        ]
        http = BoundedHttp(self.clock, timeout=TIMEOUT, limit=_LONGEST, proxies=False)
        try:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                found += pool.map(lambda one: _asked(http, one[0], one[1], one[2], release), asked)
        finally:
            http.close()
        return tuple(found)

    def _peers(self, question: Question) -> list[tuple[str, tuple[str, ...]]]:
        return [(one, self.host.locate(one).peers) for one in question.addresses]

    def _shared(self, peers: dict[str, list[tuple[str, tuple[str, ...]]]]) -> Iterator[Identified]:
        """Find a peer that stands behind both versions: its traffic would be both's."""
        owners: dict[str, tuple[str, str]] = {}
        for version, addresses in peers.items():
            for address, behind in addresses:
                for peer in behind:
                    other, name = owners.setdefault(peer, (version, address))
                    if other != version:
                        said = f"{peer} is both {address} ({version}) and {name} ({other})"
                        yield Identified(address, peer, right=False, said=said)


def _asked(
    http: BoundedHttp, question: Question, address: str, peer: str, release: str
) -> Identified:
    expected = question.equals.replace("{release}", release)
    try:
        answer = http.request("GET", f"http://{peer}{question.path}")
    except (RequestError, HostError) as error:
        said = f"{address} ({peer}) cannot be asked who it is from here: {error}"
        return Identified(address, peer, right=None, said=said)
    told = _read(answer.body, question.field)
    where = f"{question.field} of {question.path}" if question.field else question.path
    if told is None:
        said = f"{address} ({peer}) answers {answer.status} without {where}"
        return Identified(address, peer, right=False, said=said)
    right = told == expected if question.field else expected in told
    said = f"{address} ({peer}) says {SECRETS.beginning(told, _MOST_SAID)!r}"
    return Identified(
        address, peer, right=right, said=said if right else f"{said}, not {expected!r} ({where})"
    )


def _read(body: bytes, field: str) -> str | None:
    text = body.decode("utf-8", "replace")
    if not field:
        return text.strip()
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for part in field.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return str(found) if isinstance(found, str | int | float) else None
