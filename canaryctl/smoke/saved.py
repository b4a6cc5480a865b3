"""Values of earlier answers in later requests: ``{dna_id}``.

A text that is nothing but ``{dna_id}`` becomes the value with its own JSON type; within other text
it becomes its text. In a URL it is always one escaped part. ``{{name}}`` stands for ``{name}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

_REFERENCE = re.compile(r"\{\{([A-Za-z_][A-Za-z0-9_]*)\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DOTS = {".", ".."}


class UnfitError(ValueError):
    """A saved value cannot stand where the suite puts it."""


def references(value: Any) -> Iterator[str]:
    """Give the names that a value of the suite refers to."""
    match value:
        case str():
            yield from (found[2] for found in _REFERENCE.finditer(value) if found[2])
        case dict():
            for one in value.values():
                yield from references(one)
        case list() | tuple():
            for one in value:
                yield from references(one)


def in_json(value: Any, saved: Mapping[str, Any]) -> Any:
    """Fill a JSON value; everything keeps its type.

    Raises:
        UnfitError: a list or an object within a text.
    """
    match value:
        case str():
            whole = _REFERENCE.fullmatch(value)
            return saved[whole[2]] if whole and whole[2] else in_text(value, saved)
        case dict():
            return {key: in_json(one, saved) for key, one in value.items()}
        case list():
            return [in_json(one, saved) for one in value]
    return value


def in_text(text: str, saved: Mapping[str, Any]) -> str:
    """Fill a text.

    Raises:
        UnfitError: a list or an object.
    """
    return _REFERENCE.sub(lambda found: _text(found, saved), text)


def in_url(path: str, saved: Mapping[str, Any]) -> str:
    """Fill a path with its query; each value is escaped, so that it stays one part of it.

    Raises:
        UnfitError: a list, an object, or one that would lead to another place.
    """

    def one(found: re.Match[str]) -> str:
        text = _text(found, saved)
        if found[2] and text in _DOTS:
            raise UnfitError(f"{found[2]} is {text!r}, which would lead to another path")
        return quote(text, safe="", errors="surrogatepass")

    return _REFERENCE.sub(one, path)


def in_header(text: str, saved: Mapping[str, Any]) -> str:
    """Fill a header's value.

    Raises:
        UnfitError: a list, an object, or what HTTP forbids in a header.
    """
    filled = in_text(text, saved)
    if not filled.isascii() or not filled.isprintable():
        raise UnfitError("a header would hold a line break, or what is not ASCII")
    return filled


def _text(found: re.Match[str], saved: Mapping[str, Any]) -> str:
    if found[1]:
        return f"{{{found[1]}}}"
    value = saved[found[2]]
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        kind = "an object" if isinstance(value, dict) else "an array"
        raise UnfitError(f"{found[2]} is {kind}, which cannot be part of a text")
    return json.dumps(value)
