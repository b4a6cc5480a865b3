"""What a minute would look like if the canary only bursts now and then, as stable does.

The null hypothesis is a hidden Markov chain: a minute is calm, or it is a burst at one of several
levels. Bursts begin with chance ``b`` a minute and go on with chance ``s``, as measured on stable
(``spread.Usual``) and as assumed until it has shown any. With the likelihood ratios ``e^l`` of
each alternative against a calm minute, and the chances ``c`` of each level given the past,

    ln f = l - ln(1 - Σc + Σ c e^l)

is the evidence that is left. Its mean is at most 1 for a canary that bursts like that, exactly by
construction: it is a ratio of two predictive distributions. One burst gives about ``ln(1/b)``, and
each minute more of it ``ln(1/s)``, whatever its volume: a small defect has to last.
"""

from __future__ import annotations

from math import exp, log

from canaryctl.core.sequential.spread import Usual

TENDER = 0.5
"""Chance of a bad minute right after the warm-up: some take twice as long to warm up."""


class Bursts:
    """How likely the last minute was a burst, at each of the levels."""

    __slots__ = ("_chances",)

    def __init__(self, levels: int) -> None:
        self._chances = [0.0] * levels

    def explained(self, logs: list[float], levels: int, usual: Usual, *, tender: bool) -> float:
        """Give the log likelihood of this minute, relative to one that is calm for sure.

        Args:
            logs: log likelihood ratio of each level.
            levels: how many of them a burst may have: so many that stable's worst is among them.
            usual: how often stable bursts, and for how long.
            tender: the warm-up is only just over.
        """
        return self._weigh(logs, levels, usual, tender=tender)[0]

    def close(self, logs: list[float], levels: int, usual: Usual, *, tender: bool) -> None:
        """The minute is over: take it in."""
        chances = self._weigh(logs, levels, usual, tender=tender)[1]
        # Warming up ends: what comes after it has to be explained anew.
        self._chances = [0.0] * len(chances) if tender else chances

    def mix(self) -> None:
        """Forget at which level: at another weight a level may be another rate."""
        self._chances = [sum(self._chances) / len(self._chances)] * len(self._chances)

    def _weigh(
        self, logs: list[float], levels: int, usual: Usual, *, tender: bool
    ) -> tuple[float, list[float]]:
        begins = max(usual.begins, TENDER) if tender else usual.begins
        begins *= (1 - sum(self._chances)) / levels
        chances = [
            before * usual.stays + (begins if index < levels else 0.0)
            for index, before in enumerate(self._chances)
        ]
        possible = [one for chance, one in zip(chances, logs, strict=True) if chance > 0]
        most = max(0.0, *possible)
        each = [
            chance * exp(one - most) if chance > 0 else 0.0
            for chance, one in zip(chances, logs, strict=True)
        ]
        whole = sum(each) + (1 - sum(chances)) * exp(-most)
        return most + log(whole), [one / whole for one in each]
