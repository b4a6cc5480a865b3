"""A configuration as people write it: ``15m``, ``0.5%``, secrets as ``***``.

What is written here reads back as the same configuration, apart from the masked secrets.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from enum import Enum
from typing import TYPE_CHECKING, Any, get_args

from canaryctl.core.redaction import MASK, SECRETS, without_login

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    from canaryctl.config.model import Config
    from canaryctl.core.plan import Approval, Pause
    from canaryctl.core.weight import Weight

_FIRST = ("driver", "provider", "name", "kind")
_REFERENCE = re.compile(r"\$(?=[${])")
_KEYS_IN_URL = re.compile(r"^(https?://[^?#\s]*\?)[^#\s]+")
_HOUR, _MINUTE = 3600, 60
_EXACT = 1e15


def shown(config: Config) -> dict[str, Any]:
    """Give every key with its effective value; what has none is left out."""
    written = _model(config)
    for gate in written["gates"]:
        for key in ("max", "min"):
            if key in gate:
                gate[key] = _limit(gate["kind"], gate[key])
    return written


def as_yaml(config: Config) -> str:
    """Write a configuration as YAML."""
    import yaml

    # Escaped beyond ASCII: PyYAML writes some line breaks of Unicode that it reads as others.
    text: str = yaml.safe_dump(
        shown(config), sort_keys=False, allow_unicode=False, default_flow_style=False, width=100
    )
    return text


def duration(seconds: float) -> str | float:
    """Write ``1h30m``, ``15m``, ``2.5s`` or ``250ms``; a number where that would round it."""
    from canaryctl.quantities import seconds as read

    if seconds < 1:
        text = f"{seconds * 1000:.10g}ms"
    elif seconds < _MINUTE or seconds != int(seconds):
        text = f"{seconds!r}s".replace(".0s", "s")
    else:
        hours, rest = divmod(int(seconds), _HOUR)
        parts = zip((hours, *divmod(rest, _MINUTE)), "hms", strict=True)
        text = "".join(f"{count}{unit}" for count, unit in parts if count)
    return _exact(text, read, seconds)


def percentage(fraction: float) -> str | float:
    """Write 0.005 as ``0.5%``; a number where that would round it."""
    from canaryctl.quantities import quantity

    return _exact(f"{fraction * 100:.12g}%", quantity, fraction)


def escaped(text: str) -> str:
    """Keep a dollar sign from being read as a reference to the environment."""
    return _REFERENCE.sub("$$", text)


def _exact(text: str, read: Any, value: float) -> str | float:
    try:
        return text if read(text) == value else value
    except ValueError:
        return value


def _limit(kind: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _limit(kind, one) for key, one in value.items()}
    if kind == "ratio":
        return percentage(value)
    return duration(value) if kind == "latency" else value


def _model(model: BaseModel) -> dict[str, Any]:
    from canaryctl.config.fields import Duration, DurationFromZero, Share

    written: dict[Any, Any] = {
        get_args(Duration)[1]: duration,
        get_args(DurationFromZero)[1]: duration,
        get_args(Share)[1]: percentage,
    }
    found: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value is None:
            continue
        write = next((written[one] for one in _marks(field) if one in written), _value)
        found[field.alias or name] = write(value)
    if "address" in found and len(found["address"]) == 1:
        found["address"] = found["address"][0]
    first = [name for name in _FIRST if name in found]
    return {name: found[name] for name in dict.fromkeys((*first, *found))}


def _marks(field: FieldInfo) -> list[Any]:
    """Give what a field's values are read with, also where they may be left out."""
    optional = (mark for one in get_args(field.annotation) for mark in get_args(one)[1:])
    return [one for one in (*field.metadata, *optional) if isinstance(one, Hashable)]


def _value(value: Any) -> Any:
    from pydantic import BaseModel, SecretStr

    from canaryctl.core.plan import Approval, Pause
    from canaryctl.core.weight import Weight

    match value:
        case BaseModel():
            found: Any = _model(value)
        case SecretStr():
            found = MASK
        case Weight() | Pause() | Approval():
            found = _stage(value)
        case Enum():
            found = value.value
        case float() if value.is_integer() and abs(value) < _EXACT:
            found = int(value)
        case str():
            # A URL's query string may hold a key, and what the environment gave may be one.
            found = escaped(SECRETS.hide(_KEYS_IN_URL.sub(rf"\1{MASK}", without_login(value))))
        case dict():
            found = {key: _value(one) for key, one in value.items()}
        case list() | tuple():
            found = [_value(one) for one in value]
        case _:
            found = value
    return found


def _stage(one: Weight | Pause | Approval) -> Any:
    from canaryctl.core.plan import Approval, Pause
    from canaryctl.listeners.jsonable import percent

    match one:
        case Pause(length):
            return {"pause": {} if length is None else duration(length)}
        case Approval(roles):
            return {"approve": list(roles)}
        case _:
            return percent(one)
