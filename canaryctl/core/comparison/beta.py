"""The beta distribution: binomial tails, their inversion and Student's t all come from it."""

from __future__ import annotations

from math import exp, lgamma, log, log1p, sqrt

_SMALLEST = 1e-300
_EXACT = 1e-14
_MOST_TERMS = 1_000_000
_MOST_HALVINGS = 1100
"""Enough to halve from 1 down to the smallest number there is."""


def beta_share(x: float, a: float, b: float) -> float:
    """Give the share of Beta(a, b) at or below ``x``: the regularised incomplete beta function.

    By its continued fraction (https://dlmf.nist.gov/8.17#v, 8.17.22), evaluated by the modified
    method of Lentz; it takes about the square root of ``a + b`` terms.

    Args:
        x: from 0 to 1.
        a: above 0.
        b: above 0.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):  # on this side the fraction converges slowly
        return 1 - beta_share(1 - x, b, a)
    scale = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    return min(1.0, exp(scale) * _fraction(x, a, b) / a)


def _fraction(x: float, a: float, b: float) -> float:
    numerator = 1.0
    denominator = 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = denominator
    for m in range(1, _MOST_TERMS):
        place = a + 2 * m
        even = m * (b - m) * x / ((place - 1) * place)
        odd = -(a + m) * (a + b + m) * x / (place * (place + 1))
        step = 1.0
        for term in (even, odd):
            denominator = 1 / _away_from_zero(1 + term * denominator)
            numerator = _away_from_zero(1 + term / numerator)
            step = numerator * denominator
            value *= step
        if abs(step - 1) < _EXACT:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _SMALLEST else _SMALLEST


def beta_quantile(share: float, a: float, b: float) -> float:
    """Give the ``x`` below which that share of Beta(a, b) lies, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(_MOST_HALVINGS):
        if high - low <= _EXACT * high:
            break
        middle = (low + high) / 2
        if beta_share(middle, a, b) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def at_least(k: int, n: int, p: float) -> float:
    """Give P(X ≥ k) for X ~ Binomial(n, p): https://dlmf.nist.gov/8.17#E5."""
    if k <= 0:
        return 1.0
    return 0.0 if k > n else beta_share(p, k, n - k + 1)


def student(alpha: float, freedom: float) -> float:
    """Give the t that Student's distribution exceeds on either side with chance ``alpha``.

    ``P(|T| > t)`` is the share of Beta(v/2, 1/2) at or below ``v / (v + t²)``
    (Abramowitz and Stegun 1964, 26.7.1 with 26.5.27).
    """
    x = beta_quantile(alpha, freedom / 2, 0.5)
    return sqrt(freedom * (1 - x) / x)
