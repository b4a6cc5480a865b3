"""Weights: read as people write them, kept as whole numbers, exact at NGINX."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.weight import FULL_HUNDREDTHS, Weight, server_weights

WEIGHTS = st.integers(0, FULL_HUNDREDTHS).map(Weight)
PEERS = st.integers(1, 40)


@given(WEIGHTS)
def test_what_is_written_is_read_back(weight: Weight) -> None:
    assert Weight.parse(str(weight)) == weight
    assert Weight.parse(f" {weight} % ") == weight
    assert Weight.parse(float(str(weight))) == weight
    assert Fraction(str(weight)) == Fraction(weight.hundredths, 100)


@pytest.mark.parametrize(
    ("text", "hundredths"),
    [
        (5, 500),
        (0, 0),
        (100, 10_000),
        ("0.5%", 50),
        (0.01, 1),
        ("99.99", 9_999),
        ("1e1", 1_000),
        ("5.50", 550),
        ("100.000", 10_000),
    ],
)
def test_reads_percent(text: str | float, hundredths: int) -> None:
    assert Weight.parse(text) == Weight(hundredths)


@pytest.mark.parametrize(
    ("hundredths", "text"),
    [
        (0, "0"),
        (1, "0.01"),
        (10, "0.1"),
        (50, "0.5"),
        (101, "1.01"),
        (1_000, "10"),
        (10_000, "100"),
    ],
)
def test_writes_percent_without_idle_zeros(hundredths: int, text: str) -> None:
    assert str(Weight(hundredths)) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is a percentage"),
        ("five", "is a percentage"),
        ("5%%", "is a percentage"),
        ("5,5", "is a percentage"),
        (True, "is a percentage"),
        ("-1", "between 0 and 100"),
        (101, "between 0 and 100"),
        ("100.01", "between 0 and 100"),
        ("nan", "between 0 and 100"),
        (float("inf"), "between 0 and 100"),
        ("0.005", "goes down to 0.01 %"),
        (0.1 + 0.2, "goes down to 0.01 %"),
    ],
)
def test_refuses_what_is_no_weight_and_repeats_it(text: str | float, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        Weight.parse(text)
    assert repr(text) in str(caught.value)


@given(st.integers().filter(lambda n: not 0 <= n <= FULL_HUNDREDTHS))
def test_there_is_no_weight_outside_0_to_100(hundredths: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        Weight(hundredths)


@given(st.integers(1, 10**6 - 1).filter(lambda n: n % 10_000), st.integers(0, 99))
def test_nothing_finer_than_a_hundredth_is_rounded(millionths: int, whole: int) -> None:
    with pytest.raises(ValueError, match="finer"):
        Weight.parse(f"{whole}.{millionths:06d}")


@given(WEIGHTS, WEIGHTS)
def test_weights_order_by_share(one: Weight, two: Weight) -> None:
    assert (one < two) == (one.fraction < two.fraction)
    assert Weight.ZERO <= one <= Weight.FULL


@given(WEIGHTS, PEERS, PEERS)
def test_the_canarys_servers_get_exactly_its_share(
    weight: Weight, stable: int, canary: int
) -> None:
    each_stable, each_canary = server_weights(weight, stable, canary)
    everything = stable * each_stable + canary * each_canary
    assert Fraction(canary * each_canary, everything) == Fraction(
        weight.hundredths, FULL_HUNDREDTHS
    )
    assert gcd(each_stable, each_canary) == 1


@given(PEERS, PEERS)
def test_a_version_without_traffic_has_no_server_line(stable: int, canary: int) -> None:
    assert server_weights(Weight.ZERO, stable, canary) == (1, 0)
    assert server_weights(Weight.FULL, stable, canary) == (0, 1)


def test_five_percent_over_three_and_two_servers() -> None:
    assert server_weights(Weight.parse(5), 3, 2) == (38, 3)


@pytest.mark.parametrize(("stable", "canary"), [(0, 1), (1, 0), (-1, 2)])
def test_a_version_without_servers_is_refused(stable: int, canary: int) -> None:
    with pytest.raises(ValueError, match="at least one address"):
        server_weights(Weight.parse(5), stable, canary)
