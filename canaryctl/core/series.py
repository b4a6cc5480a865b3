"""Raw samples as a metrics source hands them over, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from canaryctl.core.selector import Selector


class Version(StrEnum):
    """The two sides of a rollout."""

    STABLE = "stable"
    CANARY = "canary"


class Sample(NamedTuple):
    """One reading: ``at`` in epoch seconds on canaryctl's clock, ``value`` as exposed."""

    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """One time series: its labels (without ``__name__``) and its samples, oldest first."""

    labels: Mapping[str, str]
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """The time a finding speaks of: epoch seconds, ``start`` is when the weight was proven."""

    start: float
    end: float

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class SeriesWanted:
    """Every raw series of one version that a selector matches."""

    version: Version
    selector: Selector


@dataclass(frozen=True, slots=True)
class QueryWanted:
    """The value of a PromQL expression, already rendered."""

    query: str


Wanted = SeriesWanted | QueryWanted


@dataclass(frozen=True, slots=True)
class Readings:
    """What a metrics source answered.

    Attributes:
        at: when it was read, epoch seconds on canaryctl's clock.
        series: the raw series of each ``SeriesWanted``; nothing matching is an empty tuple.
        values: the results of each ``QueryWanted``, one number per returned series.
        errors: what could not be answered although the source as a whole does, with its reason.
    """

    at: float
    series: Mapping[SeriesWanted, tuple[Series, ...]] = field(default_factory=dict)
    values: Mapping[QueryWanted, tuple[float, ...]] = field(default_factory=dict)
    errors: Mapping[Wanted, str] = field(default_factory=dict)
