"""Who sets weights and proves them, and who may."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from canaryctl.core.drained import Drained
from canaryctl.core.state import State
from canaryctl.core.weight import Weight


@dataclass(frozen=True, slots=True)
class Mark:
    """What is written beside the weights, for whoever looks at the gateway.

    Attributes:
        release: the version being rolled out, such as v0.2.0; empty when none is.
        rollout: the rollout's id while one runs; empty for a weight set by hand.
        owner: ``user@machine:pid`` of who wrote it.
        reason: one sentence.
        stage: of the rollout, a number from 1; empty before the first, and by hand.
        share: that stage's weight in per cent; empty likewise.
    """

    release: str = ""
    rollout: str = ""
    owner: str = ""
    reason: str = ""
    stage: str = ""
    share: str = ""


@dataclass(frozen=True, slots=True)
class InForce:
    """What NGINX itself answers, and what its file says.

    Attributes:
        generation: of the configuration in force, as NGINX answers it; None when it does not
            answer.
        weight: the canary's, as NGINX answers it; None likewise.
        mark: what the file on disk says, None when there is none.
        on_disk: the generation of the file, which is another one after an unfinished change.
        problem: why NGINX does not answer; empty when it does.
    """

    generation: str | None
    weight: Weight | None
    mark: Mark | None
    on_disk: str | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """That a weight is in force.

    Attributes:
        generation: what NGINX answered.
        took: seconds from the first act to the proof.
        answers: how many answers in a row carried the generation, the last ones on fresh
            connections after the old workers had been told to stop accepting.
    """

    generation: str
    weight: Weight
    took: float
    answers: int


class Router(Protocol):
    """Where weights are set and proven."""

    def check(self, weights: Sequence[Weight]) -> tuple[str, ...]:
        """Have NGINX test the configuration of every weight, putting none in force.

        Returns this NGINX' version, then notes worth showing.

        Raises:
            ConfigurationRefused: NGINX's words, and for which weight.
            HostError: the host cannot be reached.
        """
        ...

    def set(self, weight: Weight, mark: Mark, expect: str | None) -> Proof:
        """Bring a weight into force and prove it. Not idempotent: each call is a generation.

        Args:
            weight: the canary's.
            mark: written beside it.
            expect: the generation that must be on disk now; None: whatever is there.

        Raises:
            Superseded: another generation than ``expect`` is there; nothing was changed.
            WeightRefused: the previous configuration is in force again, proven.
            TrafficUnknown: neither could be proven; or a 0 % that takes traffic away could not,
                and stays on disk.
        """
        ...

    def generation(self) -> str:
        """Ask NGINX for the generation in force; a millisecond, so it may be asked every second.

        Raises:
            GatewayUnreachable: its control listener does not answer.
        """
        ...

    def drained(self, within: float, alive: Callable[[], object] = ...) -> Drained:
        """Wait until no worker is left that knows the weight before the last change.

        Args:
            within: seconds this may take. Never raises: what was not seen is said.
            alive: called again and again meanwhile; left out: nobody is told.
        """
        ...

    def drift(self) -> str:
        """Compare what was set last with what is there now; empty: nothing has changed.

        Looks at the file, and at the addresses behind names. Says what changed, in words.

        Raises:
            HostError: the host cannot be reached.
        """
        ...

    def look(self) -> InForce:
        """Ask NGINX what is in force, and read what its file says.

        Raises:
            HostError: the host cannot be reached.
        """
        ...


class Tenure(Protocol):
    """One rollout's hold on the gateway. ``beat`` is cheap, and may be called at any time."""

    def take(self) -> None:
        """Take the gateway.

        Raises:
            GatewayHeld: somebody else holds it.
            HostError: the host cannot be reached, or refuses.
        """
        ...

    def beat(self, doing: str, state: State) -> None:
        """Give a sign of life, as often as it takes; renews the lease once that is due.

        Raises:
            Superseded: the lease is somebody else's now.
        """
        ...

    def mine(self) -> bool:
        """Tell whether nobody else holds the gateway.

        Raises:
            HostError: the host cannot be reached.
        """
        ...
