"""What a row of the journal must be before it is believed: its file may be anybody's work.

Whoever shows an entry may rely on what stands here, so what a row lacks is found where it is
read, and said in one message.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from canaryctl.core.gate import Status, Unit
from canaryctl.core.recording_events import JUDGED

_LAST_MOMENT = 253_000_000_000.0
"""Epoch seconds, in the year 9987: what comes later has no date."""
_MOST = 1e300
_WORDS = ("gate", "part", "status", "reason", "unit", "comparator")
_NUMBERS = ("value", "limit", "samples")

Json = dict[str, Any]


def words(many: Sequence[object]) -> tuple[str, ...]:
    """Give columns that are text.

    Raises:
        ValueError: one is not.
    """
    return tuple(_text(one) for one in many)


def moment(value: object) -> float:
    """Give a time, epoch seconds.

    Raises:
        ValueError: it is none, or has no date.
    """
    if isinstance(value, int | float) and 0 <= value < _LAST_MOMENT:
        return float(value)
    raise ValueError(f"a time that is none: {_shown(value)}")


def number(value: object) -> float | None:
    """Give a number, or None.

    Raises:
        ValueError: it is neither, or cannot be calculated with.
    """
    if value is None or (_is_number(value) and -_MOST < value < _MOST):  # type: ignore[operator]
        return value  # type: ignore[return-value]
    raise ValueError(f"a number that is none: {_shown(value)}")


def whole(value: object) -> int:
    """Give a whole number.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"a whole number that is none: {_shown(value)}")


def parsed(text: object) -> Json:
    """Read a column that is a JSON object.

    Raises:
        ValueError: it is none.
    """
    try:
        found = json.loads(_text(text))
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    return _object(found)


def plan(text: object) -> Json:
    """Read a plan: its stages have a weight and a length.

    Raises:
        ValueError: it is none.
    """
    found = parsed(text)
    for stage in _list(found.get("stages")):
        if number(_object(stage).get("weight")) is None or number(stage.get("observe")) is None:
            raise ValueError("a stage without its weight or length")
        for one in _list(stage.get("before") or []):
            _wait(_object(one))
    return found


def _wait(found: Json) -> None:
    if "approve" in found:
        words(_list(found["approve"]))
    elif found.get("pause") is not None and number(found["pause"]) is None:
        raise ValueError("a pause whose length is none")


def payload(text: object, kind: str = "") -> Json:
    """Read what is written of an event of this kind.

    Raises:
        ValueError: something that each event has is missing, or is not what it is called.
    """
    found = parsed(text)
    event = _object(found.get("event"))
    _text(found.get("phase"))
    words(_list(found.get("said")))
    if number(found.get("weight")) is None and kind == JUDGED:
        raise ValueError("an evaluation without its weight")
    whole(found.get("stage"))
    for part in (*map(found.get, ("verdict", "setup", "answer")), event.get("weighed")):
        _object({} if part is None else part)
    _object((event.get("weighed") or {}).get("step") or {})
    if ending := _object(found.get("ending") or {}):
        words([ending.get(name) for name in ("outcome", "cause", "reason")])
    for one in _list(event.get("findings") or []):
        _object(one)
    return found


def finding(written: Json) -> Json:
    """Hold a finding that was filled in to what its fields are.

    Raises:
        ValueError: one of them is something else.
    """
    words([written.get(name) for name in _WORDS])
    for name in _NUMBERS:
        number(written.get(name))
    Status(written["status"])
    Unit(written["unit"])
    return written


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"a text that is none: {_shown(value)}")


def _object(value: object) -> Json:
    if isinstance(value, dict):
        return value
    raise ValueError(f"an object that is none: {_shown(value)}")


def _list(value: object) -> list[Any]:
    if isinstance(value, list):
        return value
    raise ValueError(f"an array that is none: {_shown(value)}")


def _shown(value: object) -> str:
    return (
        f"{value!r:.60}"
        if value is None or isinstance(value, str | float)
        else type(value).__name__
    )
