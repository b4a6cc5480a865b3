"""Reading plain JSON values into what they stand for, with messages that say where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from enum import Enum
from functools import cache
from math import inf, isfinite
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from canaryctl.core.recording import UnreadableRecording
from canaryctl.core.weight import FULL_HUNDREDTHS, Weight

_EXACT = 2.0**53
_INFINITE = ("+Inf", "inf", "Infinity")

T = TypeVar("T")


def mapping(value: object, where: str, known: Iterable[str] | None = None) -> dict[str, Any]:
    """Read an object; a key that is not ``known`` is an error, not something to pass over.

    Raises:
        UnreadableRecording: it is no object, or has an unknown key.
    """
    if not isinstance(value, dict):
        raise UnreadableRecording(f"{where}: expected an object, not {_shown(value)}")
    if known is not None:
        names = list(known)
        for key in value:
            if key not in names:
                raise UnreadableRecording(
                    f"{where}: unknown key {key!r}; known are {', '.join(names)}"
                )
    return value


def sequence(value: object, where: str, length: int | None = None) -> list[Any]:
    """Read an array, of this length if one is given."""
    if not isinstance(value, list) or (length is not None and len(value) != length):
        many = "" if length is None else f" of {length}"
        raise UnreadableRecording(f"{where}: expected an array{many}, not {_shown(value)}")
    return value


def number(value: object, where: str) -> float:
    """Read a finite number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            found = float(value)
        except OverflowError:
            found = inf
        if isfinite(found):
            return found
    raise UnreadableRecording(f"{where}: expected a number, not {_shown(value)}")


def amount(value: object, where: str) -> float:
    """Read an increment of a counter: a number that is not negative."""
    found = number(value, where)
    if found < 0:
        raise UnreadableRecording(f"{where}: an increment is not negative, but this is {found:g}")
    return found


def bound(value: object, where: str) -> float:
    """Read a bucket's upper bound, a number or ``+Inf``; JSON's keys are texts."""
    if value in _INFINITE:
        return inf
    try:
        return number(float(value) if isinstance(value, str) else value, where)
    except ValueError:
        said = f"{where}: expected a bucket's bound such as 0.5 or +Inf, not {_shown(value)}"
        raise UnreadableRecording(said) from None


def weight(value: object, where: str) -> Weight:
    """Read a weight in percent."""
    try:
        return Weight.parse(value if isinstance(value, str) else number(value, where))
    except ValueError as error:
        raise UnreadableRecording(f"{where}: {error}") from None


def scalars(
    cls: type, given: Mapping[str, Any], where: str, names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Read the plain fields of a dataclass; what is not given keeps its default.

    Args:
        cls: the dataclass.
        given: by their names.
        where: for messages.
        names: field → key, where they differ.

    Raises:
        UnreadableRecording: a value is not what its field takes, or one without default lacks.
    """
    found: dict[str, Any] = {}
    hints = _hints(cls)
    for one in fields(cls):
        key = (names or {}).get(one.name, one.name)
        kind = _kind(hints[one.name])
        if kind is None:
            continue
        if key in given:
            found[one.name] = _read(hints[one.name], kind, given[key], f"{where}.{key}")
        elif one.default is MISSING and one.default_factory is MISSING:
            raise UnreadableRecording(f"{where}: {key!r} is missing")
    return found


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    """Give the types of a class's fields; each class is asked for once, not once a row."""
    return get_type_hints(cls)


def _kind(hint: Any) -> type | None:
    """Give the plain type that a field takes; None for a field that is more than one value."""
    kinds = [one for one in get_args(hint) or (hint,) if one is not NoneType]
    if len(kinds) != 1 or not isinstance(kinds[0], type):
        return None
    plain = kinds[0] in (bool, int, float, str, Weight) or issubclass(kinds[0], Enum)
    return kinds[0] if plain else None


def _read(hint: Any, kind: type, value: object, where: str) -> Any:
    if value is None and NoneType in get_args(hint):
        return None
    if kind is Weight:
        return weight(value, where)
    if kind is float:
        return number(value, where)
    if issubclass(kind, Enum):
        return choice(kind, value, where)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        named = {str: "a text", bool: "true or false", int: "a whole number"}[kind]
        raise UnreadableRecording(f"{where}: expected {named}, not {_shown(value)}")
    return value


def choice(kind: type[T], value: object, where: str) -> T:
    """Read one of an enumeration's values."""
    assert issubclass(kind, Enum)  # noqa: S101  the caller names one
    try:
        found: T = kind(value)
    except ValueError:
        said = ", ".join(str(one.value) for one in kind)
        raise UnreadableRecording(f"{where}: expected one of {said}, not {_shown(value)}") from None
    return found


def whole(value: float) -> float:
    """Write a number as short as it can be read back exactly: 3.0 is 3."""
    return int(value) if abs(value) < _EXACT and value == int(value) else value


def percent(share: float) -> float:
    """Write a share (0 to 1) in percent, so that it is read back exactly."""
    text = str(Weight(round(share * FULL_HUNDREDTHS)))
    return float(text) if "." in text else int(text)


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except RecursionError:  # JSON is read deeper than Python writes it
        return "what is nested too deeply"
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004
