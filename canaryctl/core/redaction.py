"""What must never be shown, and how it is taken out of a text.

Two nets. ``hide`` finds by form what is a login wherever it stands: user and password in a URL,
an ``Authorization`` header, a bearer token. ``Secrets`` knows besides what this process has read
from its configuration, and finds it as it stands, and as JSON, ``repr`` and URLs write it.

``SECRETS`` is the process' own, for the same reason for which ``logging`` has one set of
handlers: where it had to be handed on, the one place that was forgotten would show a password.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 6
"""Characters. A shorter secret cannot be told from the numbers and words of a message."""

# RFC 3986 allows neither blanks nor quotes in a URL, so a login ends before them.
_LOGIN = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://)([^\s/?#@\"'<>]*)@")
# A variable's name, as in `Authorization: Bearer ${TOKEN}`, is none, and has to be readable.
_AUTHORIZATION = re.compile(
    r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?)"
    r"(?!(?:(?:bearer|basic|digest)\s+)?\$\{[a-z_][a-z0-9_]*\}(?:[\s\"',;}]|$))"
    r"((?:bearer|basic|digest)\s+)?[^\s\"',;}]+"
)
# Long, and with a digit: "basic authentication" is none.
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+)(?=[^\s\"']*[0-9=])[A-Za-z0-9._~+/=-]{16,}")
_JSON = ("{", "[")
_LOOKED_AT = 20_000
"""Characters of somebody else's text that are looked through: far more than are shown of it."""


class Secrets:
    """The secrets of one configuration. Safe to read from several threads.

    What is known is replaced as a whole: a process has one configuration at a time. What a file
    beside it adds is forgotten with it.
    """

    def __init__(self) -> None:
        self._forms: frozenset[str] = frozenset()
        self._known: re.Pattern[str] | None = None
        self._longest = 0

    def know(self, secrets: Iterable[str], shown: str = "") -> None:
        """Learn what is secret, in place of what was known before.

        Args:
            secrets: as configured; those shorter than ``SHORTEST`` are left out.
            shown: what stands openly in the same configuration. A secret within it (the
                password ``shop`` of the service ``shop``) is none that could be kept.
        """
        self._keep(_forms(secrets, shown))

    def add(self, secrets: Iterable[str], shown: str = "") -> None:
        """Learn what is secret besides; as in ``know``."""
        self._keep(self._forms | _forms(secrets, shown))

    def _keep(self, forms: frozenset[str]) -> None:
        self._forms = forms
        # Longest first, so that no remainder of one is left by another.
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None
        self._longest = max(map(len, forms), default=0)

    def hide(self, text: str) -> str:
        """Give a text without secrets.

        One that is JSON stays JSON with the same keys: only its values are looked into.
        """
        masked = self._masked(text)
        if masked == text or not text.startswith(_JSON):
            return masked
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            return masked
        end = text[len(text.rstrip()) :]
        return json.dumps(self._values(parsed), separators=(",", ":")) + end

    def beginning(self, text: str, longest: int = _LOOKED_AT) -> str:
        """Give the beginning of a text without secrets.

        They are hidden before it is cut: half a secret would not be known any more.

        Args:
            text: of somebody else, of any length.
            longest: characters of it at most, up to 20,000.
        """
        if len(text) <= _LOOKED_AT:
            return self.hide(text)[:longest]
        # This cut may go through one as well: what is left of it goes with the end.
        hidden = self.hide(text[:_LOOKED_AT])
        return hidden[: len(hidden) - self._longest][:longest]

    def _masked(self, text: str) -> str:
        known = self._known
        return hide(known.sub(MASK, text) if known else text)

    def _values(self, value: Any) -> Any:
        match value:
            case str():
                return self._masked(value)
            case list():
                return [self._values(one) for one in value]
            case dict():
                return {key: self._values(one) for key, one in value.items()}
        return value


def _forms(secrets: Iterable[str], shown: str) -> frozenset[str]:
    return frozenset(
        form
        for secret in secrets
        for part in (secret.strip(), *map(str.strip, secret.splitlines()))
        if len(part) >= SHORTEST and part not in shown
        for form in _written(part)
    )


def hide(text: str) -> str:
    """Mask what is a login by its form, whoever's it is."""
    text = without_login(text) if "://" in text else text
    text = _AUTHORIZATION.sub(lambda found: f"{found[1]}{found[2] or ''}{MASK}", text)
    return _BEARER.sub(rf"\1\2{MASK}", text)


def without_login(text: str) -> str:
    """Mask the password in each URL; without one, the user of an HTTP URL, for it is a token."""

    def masked(found: re.Match[str]) -> str:
        scheme, login = found.groups()
        user, colon, _ = login.partition(":")
        if colon:
            return f"{scheme}{user}:{MASK}@"
        return f"{scheme}{MASK}@" if scheme.startswith("http") else found.group()

    return _LOGIN.sub(masked, text)


def _written(secret: str) -> Iterator[str]:
    """Give the ways in which a text may have it."""
    plain = (secret, repr(secret)[1:-1], _in_ascii(secret))
    yield from plain
    yield from (json.dumps(one)[1:-1] for one in plain)
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield quote(secret)
    yield quote(secret, safe="")
    yield quote_plus(secret)


def _in_ascii(text: str) -> str:
    """Write it as a stream does that cannot show all of it."""
    return text.encode("ascii", "backslashreplace").decode()


SECRETS = Secrets()
