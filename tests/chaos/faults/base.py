"""What a fault is: how the rollout is configured for it, how it strikes, how it ends."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.running import Running
from tests.chaos.world import World

PHASES = (
    "preflight",
    "taking",
    *(f"shifting {stage}" for stage in (1, 2, 3, 4)),
    *(f"observing {stage}" for stage in (1, 2, 3, 4)),
    "waiting",
    "returning",
    "draining",
)
BEFORE_TRAFFIC = ("preflight", "taking")


@dataclass
class Cell:
    """One fault in one phase, while it is tried.

    Attributes:
        world: where.
        phase: when it strikes.
        rng: for what is left to chance.
        ending: closed after the cell; what a fault starts is entered here.
        notes: what a fault keeps from one of its steps for the next.
    """

    world: World
    phase: str
    rng: random.Random
    ending: ExitStack
    config: Path = Path()
    rollout: Running | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def orchestrator(self) -> Running:
        """The rollout under way."""
        assert self.rollout is not None
        return self.rollout


Act = Callable[[Cell], None]
Overrides = Mapping[str, Mapping[str, Any]]


def nothing(_: Cell) -> None:
    """Do nothing."""


def as_it_is(_: Cell) -> Overrides:
    """Change nothing in the configuration."""
    return {}


@dataclass(frozen=True)
class Fault:
    """One way in which things go wrong.

    Attributes:
        name: as the table shows it.
        strike: makes it happen.
        heal: ends it; a fault that is over at once has nothing to heal.
        configured: gives what the rollout's configuration needs for it, by section.
        lasts: seconds until it is healed; 0: at once.
        kills: the orchestrator does not survive it: somebody else returns the traffic.
        within: seconds from the strike to 0 % proven, where it kills.
        nobody_left: it kills everybody on the rollout's machine. What a preflight had staged there
            before it led the gateway, and nothing includes, goes with the next change.
        env: more environment for the rollout.
        phases: in which it is tried.
        mounts: it needs a mount namespace of its own.
        empties: it leaves a fresh gateway behind, with nothing in force, unless canaryctl acts.
        codes: the exit codes that may come of it; None: any whose promise is kept.
    """

    name: str
    strike: Act
    heal: Act = nothing
    configured: Callable[[Cell], Overrides] = as_it_is
    lasts: float = 0.0
    kills: bool = False
    within: float = 2.0
    nobody_left: bool = False
    env: Callable[[Cell], dict[str, str]] = lambda _: {}
    phases: tuple[str, ...] = PHASES
    mounts: bool = False
    empties: bool = False
    codes: frozenset[int] | None = None
