"""One expectation of a value in an answer, and what is wrong with the value that came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from canaryctl.config.base import Model
from canaryctl.smoke.excerpt import of_text, of_value
from canaryctl.smoke.fields import Count, Json, Pattern
from canaryctl.smoke.json_path import Found, Nothing
from canaryctl.smoke.matching import unmatched
from canaryctl.smoke.problem import Problem
from canaryctl.smoke.saved import in_json

if TYPE_CHECKING:
    from canaryctl.ports import Clock

Kind = Literal["string", "number", "integer", "boolean", "array", "object", "null"]


class Check(Model):
    """What a value has to be; all that is given has to hold.

    A value in place of the keys means ``equals``.
    """

    exists: bool | None = None
    equals: Json = None
    type: Kind | None = None
    length: Count | None = None
    min_length: Count | None = None
    max_length: Count | None = None
    matches: Pattern | None = None
    min: float | None = None
    max: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"equals": value}

    @model_validator(mode="after")
    def _says_something(self) -> Check:
        if not self.model_fields_set:
            raise ValueError("say what is expected, such as exists: true")
        if self.exists is False and len(self.model_fields_set) > 1:
            raise ValueError("exists: false goes with nothing else")
        return self

    @model_validator(mode="after")
    def _can_be_met(self) -> Check:
        for bound in ("min_length", "max_length"):
            if self.length is not None and getattr(self, bound) is not None:
                raise ValueError(f"length: {self.length} says it all; leave out {bound}")
        for low, high in (("min", "max"), ("min_length", "max_length")):
            least, most = getattr(self, low), getattr(self, high)
            if least is not None and most is not None and not least <= most:
                raise ValueError(
                    f"no value is at least {low} {least:g} and at most {high} {most:g}"
                )
        return self

    def problems(
        self, path: str, looked: Sequence[Found | Nothing], saved: Mapping[str, Any], clock: Clock
    ) -> list[Problem]:
        """Give what is wrong with what was found.

        Args:
            path: where the suite looks.
            looked: what is there.
            saved: values of earlier steps.
            clock: bounds the time that ``matches`` takes.

        Raises:
            UnfitError: a saved value cannot stand in ``equals``.
        """
        problems = [problem for one in looked for problem in self._of_one(one, saved)]
        if self.matches is not None:
            there = [one for one in looked if isinstance(one, Found) and one.value is not None]
            problems += unmatched(self.matches, path, there, clock)
        return problems

    def _of_one(self, found: Found | Nothing, saved: Mapping[str, Any]) -> list[Problem]:
        wants_null = self.type == "null" or ("equals" in self.model_fields_set and not self.exists)
        if isinstance(found, Nothing):
            return (
                []
                if self.exists is False
                else [Problem(found.path, self._wish(saved), _gap(found))]
            )
        if self.exists is False:
            return _when(found.value is not None, found.path, "nothing", found.value)
        if found.value is None and not (wants_null and self.equals is None):
            return [Problem(found.path, self._wish(saved), "null")]
        return [*self._of_kind(found, saved), *self._of_size(found)]

    def _of_kind(self, found: Found, saved: Mapping[str, Any]) -> list[Problem]:
        value, path = found.value, found.path
        problems: list[Problem] = []
        if "equals" in self.model_fields_set:
            wanted = in_json(self.equals, saved)
            problems += _when(not same(value, wanted), path, of_value(wanted), value)
        if self.type is not None and not _is(self.type, value):
            problems.append(
                Problem(path, f"type {self.type}", f"{kind_of(value)} {of_value(value)}")
            )
        return problems

    def _of_size(self, found: Found) -> list[Problem]:
        value, path = found.value, found.path
        problems: list[Problem] = []
        size = len(value) if isinstance(value, str | list | dict) else None
        least = self.length if self.length is not None else self.min_length
        most = self.length if self.length is not None else self.max_length
        if least is not None or most is not None:
            wish = _between("length", least, most)
            if size is None:
                problems.append(Problem(path, wish, f"{kind_of(value)} {of_value(value)}"))
            elif (least is not None and size < least) or (most is not None and size > most):
                problems.append(Problem(path, wish, f"length {size}: {of_value(value)}"))
        if self.min is not None or self.max is not None:
            number = _is("number", value)
            low = number and self.min is not None and value < self.min
            high = number and self.max is not None and value > self.max
            wish = _between("a number", self.min, self.max)
            problems += _when(not number or low or high, path, wish, value)
        return problems

    def _wish(self, saved: Mapping[str, Any]) -> str:
        """Say what is expected, for a place where nothing is."""
        if "equals" in self.model_fields_set:
            return of_value(in_json(self.equals, saved))
        if self.type is not None:
            return f"type {self.type}"
        least = self.length if self.length is not None else self.min_length
        most = self.length if self.length is not None else self.max_length
        if least is not None or most is not None:
            return _between("length", least, most)
        if self.matches is not None:
            return f"text matching {self.matches!r}"
        if self.min is not None or self.max is not None:
            return _between("a number", self.min, self.max)
        return "a value"


def same(one: Any, other: Any) -> bool:
    """Compare as JSON does: 1 is 1.0, and neither is true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def kind_of(value: Any) -> str:
    """Name a value's JSON type."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def _is(kind: Kind, value: Any) -> bool:
    if kind == "integer":
        return kind_of(value) == "number" and (isinstance(value, int) or value.is_integer())
    return kind_of(value) == kind


def _between(what: str, least: float | None, most: float | None) -> str:
    if least == most:
        return f"{what} {least:g}"
    if most is None:
        return f"{what} ≥ {least:g}"
    return f"{what} ≤ {most:g}" if least is None else f"{what} from {least:g} to {most:g}"


def _gap(found: Nothing) -> str:
    """Say what is there instead."""
    value = found.value
    if isinstance(value, dict):
        keys = ", ".join(map(str, value)) or "no keys"
        return f"nothing ({found.within} has {of_text(keys, 100)})"
    if isinstance(value, list):
        return f"nothing ({found.within} has {len(value)} elements)"
    return f"nothing ({found.within} is {of_value(value, 100)})"


def _when(bad: bool, path: str, wish: str, value: Any) -> list[Problem]:  # noqa: FBT001
    return [Problem(path, wish, of_value(value))] if bad else []
