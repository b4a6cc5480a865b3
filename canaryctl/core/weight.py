"""A share of traffic, exact to 0.01 %."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import gcd
from typing import ClassVar

FULL_HUNDREDTHS = 10_000


@dataclass(frozen=True, order=True, slots=True)
class Weight:
    """The canary's share of requests, in hundredths of a percent.

    Attributes:
        hundredths: 0 (no traffic) to 10 000 (all of it). NGINX splits by whole
            numbers, so a share is kept as one and never as a float.
    """

    hundredths: int
    ZERO: ClassVar[Weight]
    FULL: ClassVar[Weight]

    def __post_init__(self) -> None:
        if not 0 <= self.hundredths <= FULL_HUNDREDTHS:
            raise ValueError(f"a weight lies between 0 and 100 %, not {self.hundredths / 100} %")

    @classmethod
    def parse(cls, text: str | float) -> Weight:
        """Read ``5``, ``0.5`` or ``"0.5%"`` (percent of traffic).

        Raises:
            ValueError: not a number, outside 0-100, or finer than 0.01 %.
        """
        if isinstance(text, bool):
            raise ValueError(f"a weight is a percentage such as 5 or 0.5, not {text!r}")  # noqa: TRY004
        raw = str(text).strip().removesuffix("%").strip()
        if "_" in raw:
            raise ValueError(f"a weight is a percentage such as 5 or 0.5, not {text!r}")
        try:
            percent = Decimal(raw)
        except InvalidOperation:
            raise ValueError(f"a weight is a percentage such as 5 or 0.5, not {text!r}") from None
        if not percent.is_finite() or not 0 <= percent <= 100:  # noqa: PLR2004
            raise ValueError(f"a weight lies between 0 and 100 %, not {text!r}")
        rounded = percent.quantize(Decimal("0.01"))
        if rounded != percent:
            raise ValueError(f"a weight goes down to 0.01 %, {text!r} is finer")
        return cls(int(rounded.scaleb(2)))

    @property
    def fraction(self) -> float:
        """The share as a number from 0 to 1."""
        return self.hundredths / FULL_HUNDREDTHS

    def __str__(self) -> str:
        whole, part = divmod(self.hundredths, 100)
        return str(whole) if part == 0 else f"{whole}.{part:02d}".rstrip("0")


Weight.ZERO = Weight(0)
Weight.FULL = Weight(FULL_HUNDREDTHS)


def server_weights(weight: Weight, stable_peers: int, canary_peers: int) -> tuple[int, int]:
    """Give each server's NGINX weight (stable, canary) so that the versions' shares are exact.

    With ``c`` canary servers of weight ``w_c`` and ``s`` stable ones of ``w_s`` the canary
    gets ``c·w_c / (c·w_c + s·w_s)``. Choosing ``w_c = h·s`` and ``w_s = (10 000 - h)·c`` makes
    that ``h / 10 000``; the common divisor is taken out. 0 means: leave the line out.
    """
    if stable_peers < 1 or canary_peers < 1:
        raise ValueError("each version has at least one address")
    canary = weight.hundredths * stable_peers
    stable = (FULL_HUNDREDTHS - weight.hundredths) * canary_peers
    common = gcd(canary, stable)
    return stable // common, canary // common
