"""The flags of ``canaryctl simulate``. A mistake names the flag and what was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from canaryctl.core.errors import ConfigError

if TYPE_CHECKING:
    from canaryctl.simulate.world import Family

HISTORY = 3600.0
"""Seconds of stable's past that a live rollout reads from Prometheus."""
_MOST_RPS = 1e6
_MOST_ERRORS = 0.5


def rates_of(flag: str, value: str) -> tuple[float, ...]:
    """Read requests a second, one or several."""
    rates = []
    for text in value.split(","):
        try:
            rate = float(text)
        except ValueError:
            rate = 0.0
        if not 0 < rate <= _MOST_RPS:
            raise ConfigError(
                f"{flag} {value!r}: requests a second, such as 20 or 2,20,200, "
                f"above 0 and up to {_MOST_RPS:,.0f}; nothing was touched"
            )
        rates.append(rate)
    return tuple(dict.fromkeys(rates))


def share_of(flag: str, value: str) -> float:
    """Read a fraction of requests that fail."""
    from canaryctl.quantities import quantity

    try:
        share = quantity(value)
    except ValueError as error:
        raise ConfigError(f"{flag} {value!r}: {error}; nothing was touched") from error
    if not 0 <= share <= _MOST_ERRORS:
        raise ConfigError(f"{flag} {value!r}: from 0 to 50 %, such as 0.1%; nothing was touched")
    return share


def families_of(value: str | None, *, every: bool) -> tuple[Family, ...]:
    """Read which kinds of traffic are wanted."""
    from canaryctl.simulate import chosen

    if value is None:
        return chosen.every() if every else chosen.short()
    if every:
        raise ConfigError(f"--families {value!r} and --all: give one; nothing was touched")
    words = [part.strip() for part in value.split(",") if part.strip()]
    try:
        found = chosen.chosen(_joined(words))
    except ValueError as error:
        raise ConfigError(f"--families {value!r}: {error}; nothing was touched") from error
    if not found:
        raise ConfigError(f"--families {value!r}: name at least one; nothing was touched")
    return found


def _joined(words: list[str]) -> list[str]:
    """Put names together again that have a comma of their own, such as ``restarts, cold``."""
    from canaryctl.simulate import chosen

    names = {family.name for family in chosen.every()}
    joined: list[str] = []
    for word in words:
        if joined and any(f"{joined[-1]}, {word}" in name for name in names):
            joined[-1] = f"{joined[-1]}, {word}"
        else:
            joined.append(word)
    return joined
