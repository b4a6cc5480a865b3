"""Places in a JSON document: ``$.options[0].id``, ``$['odd key']``, ``$.options[*].id``.

The common part of JSONPath (RFC 9535): names, indices and ``[*]``; no filters, no search.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_PART = re.compile(
    r"\.(?P<name>[^\W\d][\w-]*)"
    r"|\[(?P<index>-?(?:0|[1-9][0-9]{0,8}))\]"
    r"|(?P<every>\[\*\]|\.\*)"
    r"|\[(?P<quoted>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\]"
)
_EVERY = None
_MOST_PARTS, _SHOWN = 50, 100
Part = str | int | None


@dataclass(frozen=True, slots=True)
class Found:
    """Something is there. ``path`` is its own, with each ``[*]`` replaced by an index."""

    path: str
    value: Any


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing is there.

    Attributes:
        path: what was looked for.
        within: where the way ends, and
        value: what is there.
    """

    path: str
    within: str
    value: Any


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A path, taken apart."""

    text: str
    parts: tuple[Part, ...]

    @classmethod
    def parse(cls, text: str) -> JsonPath:
        """Read a path.

        Raises:
            ValueError: not one; says how one is written.
        """
        parts: list[Part] = []
        at = 1
        while text.startswith("$") and at < len(text):
            found = _PART.match(text, at)
            if found is None:
                break
            parts.append(_part(found))
            at = found.end()
        if not text.startswith("$") or at < len(text) or len(parts) > _MOST_PARTS:
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            raise ValueError(f"a path is written $.options[0].id or $['odd key'], not {shown!r}")
        return cls(text, tuple(parts))

    @property
    def is_one_place(self) -> bool:
        """Whether it leads to one place, not to several."""
        return _EVERY not in self.parts

    def look(self, document: Any) -> list[Found | Nothing]:
        """Give what is there: one thing, or with ``[*]`` one for each element."""
        return list(_looked(document, self.parts, "$"))


def _looked(value: Any, parts: tuple[Part, ...], path: str) -> Iterator[Found | Nothing]:
    if not parts:
        yield Found(path, value)
        return
    part, rest = parts[0], parts[1:]
    if part is _EVERY:
        many = _children(value)
        if not many:
            yield Nothing(f"{path}[*]", path, value)
        for key, one in many:
            yield from _looked(one, rest, f"{path}{_written(key)}")
    elif isinstance(part, str) and isinstance(value, dict) and part in value:
        yield from _looked(value[part], rest, f"{path}{_written(part)}")
    elif isinstance(part, int) and isinstance(value, list) and -len(value) <= part < len(value):
        yield from _looked(value[part], rest, f"{path}[{part}]")
    else:
        whole = "".join(map(_written, parts))
        yield Nothing(f"{path}{whole}", path, value)


def _children(value: Any) -> list[tuple[Part, Any]]:
    match value:
        case list():
            return list(enumerate(value))
        case dict():
            return list(value.items())
    return []


def _part(found: re.Match[str]) -> Part:
    if found["every"]:
        return _EVERY
    if found["index"]:
        return int(found["index"])
    if found["quoted"]:
        return re.sub(r"\\(.)", r"\1", found["quoted"][1:-1])
    return found["name"]


def _written(part: Part) -> str:
    if part is _EVERY:
        return "[*]"
    if isinstance(part, int):
        return f"[{part}]"
    if re.fullmatch(r"[^\W\d][\w-]*", part):
        return f".{part}"
    return "['" + part.replace("\\", "\\\\").replace("'", "\\'") + "']"
