"""Which kinds of traffic are simulated, fitted to a service's own rates and limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random

from canaryctl.core.gate import Unit, written
from canaryctl.simulate.harmful import HARMFUL
from canaryctl.simulate.healthy import HEALTHY, SPECIAL
from canaryctl.simulate.service import ERRORS_LIMIT, Service
from canaryctl.simulate.world import Change, Family, Moment

USUAL = 0.001
"""The families' own base rate of errors, for a limit of 0.5 %."""
NEAR = 0.002
"""A family with a higher base rate means a part of the limit."""
_WANDERING = ("rates wander", "drift over the day", "sticky, heavy users")
"""Their rates are multiples of the usual one."""

SHORT = (
    "steady",
    "near the limit",
    "cold start",
    "restarts, cold",
    "bursts of 1 %",
    "scrapes missed",
    "metrics silent",
    "shared incident",
    "errors 1 %",
    "errors 2 %",
    "errors 5 %",
    "errors 50 %",
    "p95 × 1.5",
    "dies",
    "60 % refused, failover",
    "no traffic",
)
"""What is simulated when no family was asked for, by name or by a part of it."""
GROUPS = {"healthy": (*HEALTHY, *SPECIAL), "harmful": HARMFUL}


def every() -> tuple[Family, ...]:
    """Give every family."""
    return (*HEALTHY, *SPECIAL, *HARMFUL)


def by_name(name: str) -> Family:
    """Give a family by its whole name.

    Raises:
        KeyError: there is none.
    """
    return {family.name: family for family in every()}[name]


def chosen(words: Iterable[str]) -> tuple[Family, ...]:
    """Give the families that words name: a group, or a part of their names; each once.

    Raises:
        ValueError: a word names none; says which there are.
    """
    found: dict[str, Family] = {}
    for word in words:
        many = GROUPS.get(word) or _called(word)
        if not many:
            known = "; ".join(family.name for family in every())
            raise ValueError(f"no family of traffic is called {word!r}: healthy, harmful, {known}")
        found |= {family.name: family for family in many}
    return tuple(found.values())


def _called(word: str) -> list[Family]:
    """Give the family of this very name, else all that have the word in theirs."""
    many = [one for one in every() if word.lower() in one.name.lower()]
    return [one for one in many if one.name.lower() == word.lower()] or many


def short() -> tuple[Family, ...]:
    """Give the families that stand for all, healthy ones first."""
    return tuple(family for name in SHORT for family in _called(name)[:1])


def fitted(family: Family, service: Service) -> Family:
    """Give a family as it is for a service: its base rate, its limit, its NGINX."""
    errors, name = family.errors, family.name
    if errors >= NEAR:
        errors *= service.limit / ERRORS_LIMIT
        said = written(family.errors, Unit.PERCENT)
        name = name.replace(said, written(errors, Unit.PERCENT))
    elif errors == USUAL:
        errors = service.errors
    return replace(
        family,
        name=name,
        errors=errors,
        bad=family.bad if family.bad and family.bad > errors else None,
        make=_based(family, service.errors),
        attempts=family.attempts and service.attempts,
    )


def _based(family: Family, errors: float) -> Callable[[Random, float], Change]:
    """Put the service's base rate in place of the usual one."""
    if errors == USUAL:
        return family.make
    scale = errors / USUAL if family.name in _WANDERING else None

    def make(rng: Random, rps: float) -> Change:
        shape = family.make(rng, rps)

        def change(now: Moment) -> None:
            shape(now)
            if scale is not None:
                now.canary_errors *= scale
                now.stable_errors *= scale
                return
            # What a defect does not touch is set to the usual rate by name.
            if now.stable_errors == USUAL:
                now.stable_errors = errors
            if now.canary_errors == USUAL:
                now.canary_errors = errors

        return change

    return make
