"""What each version itself counted, paired so that both sides speak of the same time.

Where NGINX counts no attempts this stands in for the share of traffic. A sample that is missed is
no missing traffic: its increments come with the next one, and until both sides have a new sample
nothing is concluded.
"""

from __future__ import annotations

from canaryctl.core.sequential.batch import Attempts, Evaluation


class Served:
    """Requests of both versions since they were last paired."""

    __slots__ = ("_canary", "_since", "_stable", "_stage", "began")

    def __init__(self) -> None:
        self._canary = self._stable = 0.0
        self._stage: float | None = None
        self._since = 0.0
        self.began = 0.0

    def take(self, seen: Evaluation, name: str) -> Attempts | None:
        """Take an evaluation in; give the requests once both sides are known up to now.

        Args:
            seen: the evaluation.
            name: the gate whose trials are requests.
        """
        if seen.since != self._stage:
            self._stage = self._since = seen.since
            self._canary = self._stable = 0.0
        found = seen.gates.get(name)
        if found is None:
            return None
        self._canary += found.canary.total if found.canary else 0.0
        self._stable += found.stable.total if found.stable else 0.0
        if found.canary is None or found.stable is None:
            return None
        paired = Attempts(self._canary, 0.0, self._stable, 0.0)
        self.began, self._since = self._since, seen.at
        self._canary = self._stable = 0.0
        return paired
