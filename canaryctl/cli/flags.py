"""Flags that are more than text. A mistake names the flag."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from canaryctl.core.errors import ConfigError
from canaryctl.core.weight import Weight

if TYPE_CHECKING:
    from canaryctl.config.model import Config

T = TypeVar("T")
_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
_LONGEST_SENTENCE = 300


def _parsed(flag: str, value: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(value)
    except ValueError as error:
        raise ConfigError(f"{flag} {value!r}: {error}; nothing was touched") from error


def weight_of(flag: str, value: str) -> Weight:
    """Read a percentage."""
    return _parsed(flag, value, Weight.parse)


def seconds_of(flag: str, value: str) -> float:
    """Read a duration."""
    from canaryctl.quantities import seconds

    return _parsed(flag, value, seconds)


def release_of(value: str, flag: str = "--version") -> str:
    """Read a release such as v0.2.0."""
    if not _RELEASE.fullmatch(value):
        raise ConfigError(f"{flag} {value!r}: a release is written like v0.2.0")
    return value


def sentence(flag: str, value: str) -> str:
    """Read a reason: one line of printable text."""
    said = " ".join(value.split())
    if len(said) > _LONGEST_SENTENCE or not said.isprintable():
        raise ConfigError(f"{flag}: one line of at most {_LONGEST_SENTENCE} printable characters")
    return said


def planned(config: Config, **flags: tuple[str, str | None]) -> Config:
    """Put ``--stages`` and the like over the plan of the configuration.

    Args:
        config: as read.
        flags: for each key of ``plan``, the flag's name and what was given (None: nothing).
    """
    from pydantic import ValidationError

    from canaryctl.config.plan import PlanModel

    given = {key: value for key, (_, value) in flags.items() if value is not None}
    if not given:
        return config
    plan: dict[str, Any] = dict(config.plan) | given
    try:
        return config.model_copy(update={"plan": PlanModel.model_validate(plan)})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = str(problem["loc"][0]) if problem["loc"] else next(iter(given))
        flag, value = flags[key]
        words = str(problem["msg"]).removeprefix("Value error, ")
        raise ConfigError(f"{flag} {value!r}: {words}; nothing was touched") from error
