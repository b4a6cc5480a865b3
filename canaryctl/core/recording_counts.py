"""Observations and stable's history as JSON, and back: nothing is lost, little is written.

A histogram's bounds are written once for all of a source's parts. A side that is left out had no
new sample; one that is an empty array had one, and nothing was observed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Any, TypeVar

from canaryctl.core.observation import Both, Buckets, History, Observation, Trials
from canaryctl.core.recording import UnreadableRecording
from canaryctl.core.recording_fields import (
    amount,
    bound,
    mapping,
    percent,
    scalars,
    sequence,
    weight,
    whole,
)
from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.weight import FULL_HUNDREDTHS

OBSERVED = (
    "weight",
    "since",
    "ratios",
    "histograms",
    "attempts",
    "up",
    "restarts",
    "paused",
    "waiting",
    "stale",
)
"""The keys of an observation; its time is the event's."""
_SIDES = ("canary", "stable")

Json = dict[str, Any]
T = TypeVar("T")


def observation_json(seen: Observation) -> Json:
    """Write an observation, without its time."""
    found: Json = {"weight": percent(seen.weight), "since": seen.since}
    if seen.ratios:
        found["ratios"] = {name: _both(one, _trials) for name, one in seen.ratios.items()}
    if seen.histograms:
        found["histograms"] = {name: _histogram(one) for name, one in seen.histograms.items()}
    if seen.attempts is not None:
        counts = seen.attempts
        each = (counts.canary, counts.canary_failed, counts.stable, counts.stable_failed)
        found["attempts"] = [whole(one) for one in each]
    if seen.up is not None:
        found["up"] = seen.up
    if seen.restarts:
        found["restarts"] = seen.restarts
    if seen.paused:
        found["paused"] = True
    if seen.waiting:
        found["waiting"] = True
    found["stale"] = whole(seen.stale)
    return found


def observation(at: float, given: Mapping[str, Any], sources: Mapping[str, str]) -> Observation:
    """Read an observation.

    Args:
        at: its time, epoch seconds.
        given: its keys are ``OBSERVED``; more are passed over.
        sources: gate's name → what it counts, for those who name a source by its gate.

    Raises:
        UnreadableRecording: something in it is not what it should be.
    """
    plain = scalars(Observation, {**given, "at": at, "weight": 0}, "evaluation")
    attempts = given.get("attempts")
    if attempts is not None:
        counts = sequence(attempts, "attempts", 4)
        attempts = Attempts(*(amount(one, "attempts") for one in counts))
    return Observation(
        **plain
        | {
            "weight": weight(given["weight"], "weight").hundredths / FULL_HUNDREDTHS,
            "ratios": {
                sources.get(name, name): _read_both(one, f"ratios.{name}", _read_trials)
                for name, one in mapping(given.get("ratios", {}), "ratios").items()
            },
            "histograms": {
                sources.get(name, name): _read_histogram(one, f"histograms.{name}")
                for name, one in mapping(given.get("histograms", {}), "histograms").items()
            },
            "attempts": attempts,
        }
    )


def history_json(past: History) -> Json:
    """Write stable's minutes."""
    return {
        "ratios": {name: [_trials(one) for one in many] for name, many in past.ratios.items()},
        "histograms": {name: _minutes(parts) for name, parts in past.histograms.items()},
    }


def history(given: object, sources: Mapping[str, str]) -> History:
    """Read stable's minutes; see ``observation`` for ``sources``.

    Raises:
        UnreadableRecording: something in it is not what it should be.
    """
    found = mapping(given, "history", ("ratios", "histograms"))
    ratios = mapping(found.get("ratios", {}), "history.ratios")
    histograms = mapping(found.get("histograms", {}), "history.histograms")
    return History(
        {
            sources.get(name, name): tuple(
                _read_trials(one, f"history.ratios.{name}")
                for one in sequence(many, f"history.ratios.{name}")
            )
            for name, many in ratios.items()
        },
        {
            sources.get(name, name): _read_minutes(one, f"history.histograms.{name}")
            for name, one in histograms.items()
        },
    )


# --- two sides ----------------------------------------------------------------------------


def _both(one: Both[T], write: Callable[[T], Any]) -> Json:
    sides = (("canary", one.canary), ("stable", one.stable))
    return {name: write(side) for name, side in sides if side is not None}


def _read_both(given: object, where: str, read: Callable[[Any, str], T]) -> Both[T]:
    sides = mapping(given, where, _SIDES)
    found = {
        name: None if sides.get(name) is None else read(sides[name], f"{where}.{name}")
        for name in _SIDES
    }
    return Both(found["canary"], found["stable"])


def _trials(one: Trials) -> list[float]:
    return [whole(one.total), whole(one.bad)]


def _read_trials(given: object, where: str) -> Trials:
    total, bad = (amount(one, where) for one in sequence(given, where, 2))
    return Trials(total, bad)


# --- histograms ---------------------------------------------------------------------------


def _histogram(parts: Mapping[str, Both[Buckets]]) -> Json:
    bounds = _bounds(side for one in parts.values() for side in (one.canary, one.stable))
    return {
        "le": _named(bounds),
        "parts": {name: _both(one, lambda b: _buckets(b, bounds)) for name, one in parts.items()},
    }


def _minutes(parts: Mapping[str, tuple[Buckets, ...]]) -> Json:
    bounds = _bounds(one for many in parts.values() for one in many)
    return {
        "le": _named(bounds),
        "parts": {name: [_buckets(one, bounds) for one in many] for name, many in parts.items()},
    }


def _bounds(many: Iterable[Buckets | None]) -> list[float]:
    """Give the bounds of the first that has any: the others mostly have the same."""
    return next((list(one) for one in many if one), [])


def _named(bounds: Iterable[float]) -> list[float | str]:
    return ["+Inf" if one == inf else whole(one) for one in bounds]


def _buckets(one: Buckets, bounds: list[float]) -> list[float] | Json:
    if not one or list(one) == bounds:
        return [whole(count) for count in one.values()]
    return {str(name): whole(one[le]) for name, le in zip(_named(one), one, strict=True)}


def _read_histogram(given: object, where: str) -> Mapping[str, Both[Buckets]]:
    bounds, parts = _read_parts(given, where)

    def read(side: object, there: str) -> Buckets:
        return _read_buckets(side, bounds, there)

    return {name: _read_both(one, f"{where}.{name}", read) for name, one in parts.items()}


def _read_minutes(given: object, where: str) -> Mapping[str, tuple[Buckets, ...]]:
    bounds, parts = _read_parts(given, where)
    return {
        name: tuple(_read_buckets(one, bounds, where) for one in sequence(many, where))
        for name, many in parts.items()
    }


def _read_parts(given: object, where: str) -> tuple[list[float], Json]:
    found = mapping(given, where, ("le", "parts"))
    bounds = [bound(one, f"{where}.le") for one in sequence(found.get("le", []), f"{where}.le")]
    return bounds, mapping(found.get("parts", {}), f"{where}.parts")


def _read_buckets(given: object, bounds: list[float], where: str) -> Buckets:
    """Read one side's counts, each of all observations up to its bound."""
    if isinstance(given, dict):
        found = {bound(le, where): amount(count, where) for le, count in given.items()}
    elif given == []:
        return {}
    else:
        counts = sequence(given, where, len(bounds))
        found = {le: amount(count, where) for le, count in zip(bounds, counts, strict=True)}
    if found and inf not in found:
        raise UnreadableRecording(f"{where}: the +Inf bucket, which counts all, is missing")
    return found
