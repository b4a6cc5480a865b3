"""Values of canary.yaml that are more than text, each parsed where it stands."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from canaryctl.core.selector import Matcher, Operator, parse_selector
from canaryctl.core.weight import Weight
from canaryctl.quantities import quantity, seconds

_ADDRESS = re.compile(
    r"unix:/[A-Za-z0-9_./-]+|(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\]):(\d{1,5})"
)
_MOST_RISK = 0.5
_PORTS = range(1, 65536)


def _address(value: Any) -> Any:
    found = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if found is None or (found.group(1) and int(found.group(1)) not in _PORTS):
        raise ValueError(f"an address is written host:port (app:8000), not {value!r}")
    return value


def _addresses(value: Any) -> Any:
    many = [value] if isinstance(value, str) else value
    if not isinstance(many, list) or not many:
        raise ValueError("at least one address, such as app:8000")
    if len(set(map(str, many))) != len(many):
        raise ValueError(f"the same address twice: {', '.join(map(str, many))}")
    return tuple(_address(one) for one in many)


def _percent(value: Any) -> float:
    weight = Weight.parse(value)
    if weight == Weight.ZERO:
        raise ValueError("a weight above 0 %, such as 1")
    return weight.hundredths / 100


def _positive(value: Any) -> float:
    number = seconds(value)
    if number == 0:
        raise ValueError("longer than 0 s")
    return number


def _share(value: Any) -> float:
    number = quantity(value)
    if not 0 < number <= _MOST_RISK:
        raise ValueError(f"a chance above 0 and up to 50 %, such as 1%, not {value!r}")
    return number


def _labels(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"labels such as {{version: canary}}, not {value!r}")  # noqa: TRY004
    for name in value:
        Matcher(str(name), Operator.EQUAL, "")
    return {str(name): str(one) for name, one in value.items()}


def _selector(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(f"a selector such as http_requests_total, not {value!r}")  # noqa: TRY004
    parse_selector(value)
    return value


def _limits(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): quantity(one) for key, one in value.items()}
    return quantity(value)


_TEXT_OR_NUMBER = {"anyOf": [{"type": "string"}, {"type": "number"}]}

Addresses = Annotated[
    tuple[str, ...],
    BeforeValidator(_addresses),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ],
            "description": "host:port, or a list of them",
        }
    ),
]
Duration = Annotated[
    float, BeforeValidator(_positive), WithJsonSchema({**_TEXT_OR_NUMBER, "examples": ["15m"]})
]
DurationFromZero = Annotated[
    float, BeforeValidator(seconds), WithJsonSchema({**_TEXT_OR_NUMBER, "examples": ["60s", 0]})
]
Share = Annotated[
    float, BeforeValidator(_share), WithJsonSchema({**_TEXT_OR_NUMBER, "examples": ["1%"]})
]
Percent = Annotated[
    float, BeforeValidator(_percent), WithJsonSchema({**_TEXT_OR_NUMBER, "examples": [1]})
]
Labels = Annotated[
    dict[str, str],
    BeforeValidator(_labels),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
]
SelectorText = Annotated[str, BeforeValidator(_selector), WithJsonSchema({"type": "string"})]
Limit = Annotated[
    float, BeforeValidator(quantity), WithJsonSchema({**_TEXT_OR_NUMBER, "examples": ["0.5%"]})
]
Limits = Annotated[
    float | dict[str, float],
    BeforeValidator(_limits),
    WithJsonSchema(
        {"anyOf": [*_TEXT_OR_NUMBER["anyOf"], {"type": "object"}], "examples": ["2.5s"]}
    ),
]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=63)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
Path = Annotated[str, Field(pattern=r"^/[A-Za-z0-9_./+@-]+$")]
