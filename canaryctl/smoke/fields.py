"""Values of a suite that are more than text, each checked where it stands."""

from __future__ import annotations

import datetime as dt
import math
import re
import warnings
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints

from canaryctl.smoke.json_path import JsonPath

_CLASS = re.compile(r"[1-5]xx")
_STATUSES = range(100, 600)


def _json(value: Any) -> Any:
    """Refuse what YAML knows and JSON does not."""
    match value:
        case None | bool() | str() | int():
            return value
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{value} is no JSON number")
        case dict():
            for one in value.values():
                _json(one)
        case list():
            for one in value:
                _json(one)
        case dt.date():
            raise ValueError(f"{value} is a date in YAML; JSON has none: put it in quotes")
        case _:
            raise ValueError(f"JSON has no {type(value).__name__}: put it in quotes")
    return value


def _path(text: str) -> str:
    JsonPath.parse(text)
    return text


def _one_place(text: str) -> str:
    if not JsonPath.parse(text).is_one_place:
        raise ValueError(f"{text} leads to several places; one value is saved: name its index")
    return text


def _pattern(text: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{text[:60]!r} is no regular expression: {error}") from None
    return text


def _statuses(value: Any) -> Any:
    many = value if isinstance(value, list) else [value]
    if not many:
        raise ValueError("at least one status, such as 200 or 2xx")
    for one in many:
        number = isinstance(one, int) and not isinstance(one, bool) and one in _STATUSES
        if not number and not (isinstance(one, str) and _CLASS.fullmatch(one)):
            raise ValueError(f"a status is written 200 or 2xx, or a list of them, not {one!r}")
    return tuple(many)


Json = Annotated[Any, BeforeValidator(_json)]
PathText = Annotated[str, AfterValidator(_path)]
OnePlace = Annotated[str, AfterValidator(_one_place)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Statuses = Annotated[tuple[int | str, ...], BeforeValidator(_statuses)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
# A space or a fragment would not arrive as written.
RequestPath = Annotated[str, StringConstraints(pattern=r"^/[^\x00-\x20\x7f#\\]*$", max_length=4000)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=200)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
Headers = dict[HeaderName, SecretStr]
MetricName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
Count = Annotated[int, Field(ge=0, strict=True)]
