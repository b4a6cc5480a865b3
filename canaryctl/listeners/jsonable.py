"""Dataclasses as JSON: every field by its name, nothing left out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from canaryctl.core.weight import Weight

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def kind_of(value: object) -> str:
    """Name an event or a command as it stands in JSON: ``WeightProven`` is ``weight_proven``."""
    return _HUMP.sub("_", type(value).__name__).lower()


def percent(weight: Weight) -> int | float:
    """Give a weight as a number that ``Weight.parse`` reads back exactly."""
    text = str(weight)
    return float(text) if "." in text else int(text)


def jsonable(value: object) -> Any:
    """Turn a value into what JSON knows.

    A weight becomes its percentage. NaN and the infinities, which JSON does not know, become
    null: a finding's reason says which it was.
    """
    found: Any
    match value:
        case Weight():
            found = percent(value)
        case Enum():
            found = jsonable(value.value)
        case Mapping():
            found = {str(key): jsonable(one) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            found = [jsonable(one) for one in value]
        case float():
            found = value if math.isfinite(value) else None
        case None | str() | int():
            found = value
        case _ if is_dataclass(value):
            found = {one.name: jsonable(getattr(value, one.name)) for one in fields(value)}
        case _:
            found = str(value)
    return found


def compact(value: object) -> str:
    """Write a value as one line of JSON, in ASCII: no text is too strange to be kept."""
    return json.dumps(jsonable(value), separators=(",", ":"), allow_nan=False)
