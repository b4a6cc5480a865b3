"""Parts that JSON schemas are put together from. Every key is required unless it says otherwise.

Keys that are not named are allowed: a later canaryctl may say more, and readers pass it over.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Shape = dict[str, Any]

TEXT: Shape = {"type": "string"}
NUMBER: Shape = {"type": "number"}
COUNT: Shape = {"type": "integer", "minimum": 0}
FLAG: Shape = {"type": "boolean"}
TIME: Shape = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"}
"""ISO 8601 in UTC, with milliseconds."""
PERCENT: Shape = {"type": "number", "minimum": 0, "maximum": 100}
SECONDS: Shape = {"type": "number", "minimum": 0}
TEXTS: Shape = {"type": "array", "items": TEXT}
ANY: Shape = {"type": "object"}


def maybe(shape: Shape) -> Shape:
    """Give the shape, or null."""
    return {"anyOf": [shape, {"type": "null"}]}


def many(shape: Shape) -> Shape:
    """Give an array of the shape."""
    return {"type": "array", "items": shape}


def named(shape: Shape) -> Shape:
    """Give an object whose keys are names: gates, labels' values."""
    return {"type": "object", "additionalProperties": shape}


def one_of(values: Iterable[str]) -> Shape:
    """Give one of these texts."""
    return {"enum": list(values)}


def record(fields: Shape, *, about: str = "", optional: Iterable[str] = ()) -> Shape:
    """Give an object.

    Args:
        fields: key → shape.
        about: what it says, in a sentence.
        optional: those of the keys that may be left out.
    """
    left_out = set(optional)
    return {
        "type": "object",
        **({"description": about} if about else {}),
        "properties": fields,
        "required": [key for key in fields if key not in left_out],
    }


def event(name: str, fields: Shape, *, about: str = "", optional: Iterable[str] = ()) -> Shape:
    """Give an object that is told apart by its ``event``."""
    return record({"event": {"const": name}, **fields}, about=about, optional=optional)
