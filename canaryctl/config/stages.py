"""``plan.stages``: weights, and what is waited for between them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from canaryctl.core.plan import Approval, Pause, Stage
from canaryctl.core.plan import Wait as CoreWait
from canaryctl.core.weight import Weight
from canaryctl.quantities import seconds

_ROLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")

Item = Weight | Pause | Approval


def stages(items: tuple[Item, ...], observe: float) -> tuple[Stage, ...]:
    """Give the core's stages: each weight with what is waited for before it."""
    found: list[Stage] = []
    before: list[CoreWait] = []
    for item in items:
        if isinstance(item, Weight):
            found.append(Stage(item, observe, tuple(before)))
            before = []
        else:
            before.append(item)
    return tuple(found)


def _stages(value: Any) -> Any:
    if isinstance(value, str):
        value = [part for part in value.split(",") if part.strip()]
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("at least one stage, such as [1, 5, 25, 100]")
    parsed = tuple(_item(one) for one in value)
    weights = [one for one in parsed if isinstance(one, Weight)]
    for before, after in pairwise(weights):
        if after <= before:
            raise ValueError(f"stages rise: {after} does not come after {before}")
    if not weights or not isinstance(parsed[-1], Weight):
        raise ValueError("the last stage is a weight: nothing comes after a wait at the end")
    if weights[0] == Weight.ZERO:
        raise ValueError("stages begin above 0 %")
    return parsed


def _item(value: Any) -> Item:
    if isinstance(value, Weight | Pause | Approval):
        return value
    if not isinstance(value, dict):
        return Weight.parse(value)
    kind, what = next(iter(value.items())) if len(value) == 1 else ("", None)
    found = _pause(what) if kind == "pause" else _approval(what) if kind == "approve" else None
    if found is None:
        raise ValueError(
            "a stage is a weight such as 5, {pause: 10m}, {pause: {}} until somebody says "
            f"`canaryctl continue`, or {{approve: [engineering, product]}}; not {value!r}"
        )
    return found


def _pause(value: Any) -> Pause | None:
    match value:
        case None | {} if not value:
            return Pause()
        case {"duration": length} if len(value) == 1:
            return Pause(_length(length))
        case str() | int() | float() if not isinstance(value, bool):
            return Pause(_length(value))
    return None


def _approval(value: Any) -> Approval | None:
    roles = [value] if isinstance(value, str) else value
    if not isinstance(roles, list) or not roles:
        return None
    named = tuple(_role(one) for one in roles)
    if len(set(named)) != len(named):
        raise ValueError(f"approve: a role stands there twice: {', '.join(named)}")
    return Approval(named)


def _length(value: Any) -> float:
    length = float(seconds(value))
    if length == 0:
        raise ValueError("pause: longer than 0 s")
    return length


def _role(value: Any) -> str:
    if not isinstance(value, str) or not _ROLE.fullmatch(value):
        raise ValueError(f"approve: roles such as engineering or on-call, not {value!r}")
    return value


_WAITS = [
    {
        "type": "object",
        "properties": {"pause": {"anyOf": [{"type": ["string", "number"]}, {"type": "object"}]}},
        "required": ["pause"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {"approve": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
        "required": ["approve"],
        "additionalProperties": False,
    },
]
Stages = Annotated[
    tuple[Item, ...],
    BeforeValidator(_stages),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"anyOf": [{"type": ["string", "number"]}, *_WAITS]},
            "minItems": 1,
            "description": "the canary's percentages, rising; pauses and approvals between them",
        }
    ),
]
