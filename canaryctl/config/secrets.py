"""Which values of canary.yaml are secret, and which stand openly.

Secret are: values of ``headers`` (but for ``Accept`` and the like), tokens and passwords; channels
of ``notify``; user, password and query string of any URL; and what comes from the environment,
unless it is a number or fills a place whose value is a name that messages have to say (a service,
an address, a container, a label). What comes from a variable that is called a secret (``…TOKEN``,
``…PASSWORD``, ``…KEY``) is secret everywhere.

It is read from the parsed file, before that is checked: the message about a wrong file may quote
a secret too.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from canaryctl.core.notice import Channel
from canaryctl.core.redaction import SECRETS, without_login

Path = tuple[str | int, ...]
Given = Mapping[Path, Sequence[tuple[str, str]]]
"""Where values of the environment were filled in: the variables' names and values."""

_CALLED_SECRET = re.compile(
    r"(?i)(token|passw|passphrase|secret|credential|api_?key|access_?key|authorization)"
)
_VARIABLE_CALLED_SECRET = re.compile(
    r"(?i)(token|passw|passphrase|pwd|secret|credential|key|auth|cookie|login|signature)"
)
_HEADERS = "headers"
_OPEN_HEADERS = {"accept", "accept-language", "cache-control", "content-type", "user-agent"}
"""They hold no secrets, and words that every second message has."""
# Numbers, durations, percentages, switches: every second message has them.
_PLAIN = re.compile(r"[-+]?[0-9][0-9.,]*\s*[a-zA-Z%]{0,2}|true|false|yes|no|on|off")
# Names, addresses and file names, which messages have to say. `query` is none of them.
_NAMES = (
    ("service",),
    ("versions",),
    ("gateway",),
    ("plan",),
    ("judge",),
    ("gates",),
    ("metrics", "provider"),
    ("metrics", "select"),
    ("metrics", "path"),
    ("metrics", "ca_file"),
    ("metrics", "cert_file"),
    ("metrics", "key_file"),
    ("smoke",),
    ("checks", "release"),
    ("checks", "secrets"),
    ("checks", "artifacts"),
    ("checks", "runbook"),
    ("deploy",),
    ("promotion",),
    ("export",),
)


def learn(filled: Mapping[str, Any], given: Given) -> None:
    """Make a file's secrets known to this process, see ``core.redaction``.

    Args:
        filled: the parsed file with the environment's values in place.
        given: which those are.
    """
    secret, shown = sorted_out(filled, given)
    SECRETS.know(secret, "\n".join(shown))


def learn_besides(filled: Mapping[str, Any], given: Given, names: Sequence[Path]) -> None:
    """Make the secrets of a second file known, such as a smoke suite's.

    Args:
        filled: as in ``learn``.
        given: the same.
        names: the places whose values messages have to say.
    """
    secret, shown = sorted_out(filled, given, names)
    SECRETS.add(secret, "\n".join(shown))


def sorted_out(
    filled: Mapping[str, Any], given: Given, names: Sequence[Path] = _NAMES
) -> tuple[list[str], list[str]]:
    """Give the secrets, and what stands openly.

    ``names`` are the places whose values messages have to say.
    """
    secret: list[str] = []
    shown: list[str] = []
    for path, value in _leaves(filled, ()):
        text = str(value)
        if _is_channel(path):
            secret += Channel("", text).secrets()
            continue
        if is_secret(path):
            secret += [text, text.rsplit(maxsplit=1)[-1] if text.split() else text]
            continue
        url = "://" in text
        found = [*_in_url(text)] if url else []
        found += [one for name, one in given.get(path, ()) if _kept(name, one, path, text, names)]
        secret += found
        public = without_login(text).partition("?")[0] if url else text
        if not any(one in public for one in found if one):
            shown.append(public)
    return [*secret, *_basic(filled)], shown


def called_secret(variable: str) -> bool:
    """Tell whether a variable is called a secret (``DB_PASSWORD``)."""
    return _VARIABLE_CALLED_SECRET.search(variable) is not None


def is_secret(path: Path) -> bool:
    """Tell whether what stands there is a secret, whatever it is."""
    if _HEADERS in path[:-1]:
        return str(path[-1]).lower() not in _OPEN_HEADERS
    if _is_channel(path):
        return True
    return bool(path) and _CALLED_SECRET.search(str(path[-1])) is not None


def _is_channel(path: Path) -> bool:
    return path[:1] == ("notify",) and path[-1] == "to"


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _leaves(one, (*path, str(key)))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _leaves(one, (*path, index))
    elif value is not None:
        yield path, value


def _in_url(text: str) -> Iterator[str]:
    """Give what is secret in a URL, also where it is not a valid one."""
    login = text.partition("://")[2].rpartition("@")[0]
    if login:
        user, colon, password = login.partition(":")
        hidden = password if colon else user
        # ssh://deploy@host: a user alone is a token only in HTTP.
        if colon or text.startswith("http"):
            yield from (hidden, unquote(hidden))
        if colon:
            yield login
            yield _encoded(unquote(user), unquote(password))
    query = text.partition("?")[2]
    if query:
        yield query
        yield from (value for _, value in parse_qsl(query))


def _kept(name: str, value: str, path: Path, text: str, names: Sequence[Path]) -> bool:
    """Tell whether what came from a variable is secret at the place that it fills."""
    if _VARIABLE_CALLED_SECRET.search(name):
        return True
    if _PLAIN.fullmatch(value.strip()):
        return False
    if "://" in text:
        return value not in _public(text) and value != text
    return path[-1] == "query" or not any(path[: len(one)] == one for one in names)


def _public(url: str) -> str:
    """Give what of a URL is said in messages: scheme, host and port."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _basic(filled: Mapping[str, Any]) -> Iterator[str]:
    """Give user and password as they are sent."""
    metrics = filled.get("metrics")
    login = metrics.get("basic_auth") if isinstance(metrics, dict) else None
    if isinstance(login, dict):
        yield _encoded(str(login.get("username")), str(login.get("password")))


def _encoded(user: str, password: str) -> str:
    return b64encode(f"{user}:{password}".encode()).decode()
