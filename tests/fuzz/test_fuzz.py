"""A little of what ``make fuzz`` does a million times, each time with other inputs."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import main
from tests.fuzz.everything import TARGETS
from tests.fuzz.nginx_text import NotNginxError, parsed
from tests.fuzz.promql_text import NotPromqlError, tokens
from tests.fuzz.slices import counts
from tests.fuzz.target import Target, TooSlowError, bounded

_SECONDS = 0.5
"""For each target."""
_EACH = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """Keep what is logged about thousands of broken files to itself."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@_EACH
def test_nothing_comes_of_hostile_inputs(target: Target) -> None:
    seed = time.time_ns() % 1_000_000
    until = time.monotonic() + _SECONDS
    number = 0
    while number < 10 or time.monotonic() < until:
        try:
            with bounded():
                target.check(target.dice(seed, number))
        except (Exception, TooSlowError) as error:
            again = f"python -m tests.fuzz --only '{target.name}' --seed {seed} --at {number}"
            raise AssertionError(again) from error
        number += 1


@_EACH
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(dice=st.randoms(use_true_random=False))
def test_what_hypothesis_finds_it_makes_small(target: Target, dice: Random) -> None:
    target.check(dice)


def test_every_input_is_shared_out() -> None:
    shared = counts(TARGETS, 1_000_000)
    assert set(shared) == {one.name for one in TARGETS}
    assert abs(sum(shared.values()) - 1_000_000) < 100
    assert min(shared.values()) > 0


def test_the_same_seed_and_number_give_the_same_input() -> None:
    one = TARGETS[0]
    assert one.dice(7, 3).random() == one.dice(7, 3).random() != one.dice(7, 4).random()


def test_a_run_tells_how_many_and_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--inputs", "40", "--processes", "1", "--only", "selectors", "--seed", "1"]) == 0
    said = capsys.readouterr().out
    assert "seed 1: 40 inputs" in said
    assert "selectors" in said.splitlines()[2]
    assert main(["--only", "selectors", "--seed", "1", "--at", "5"]) == 0


def _for_ever() -> None:
    while True:
        pass


def test_an_input_that_takes_too_long_is_found() -> None:
    with pytest.raises(TooSlowError), bounded(0.05):
        _for_ever()


def test_the_oracles_see_an_injection() -> None:
    shape = [one.shape for one in parsed("upstream a { server b; } # {\n")]
    assert shape == [one.shape for one in parsed("upstream x { server 'y; }'; }")]
    assert shape != [one.shape for one in parsed("upstream a { server b; server c; }")]
    for broken in ("a { b; ", "a; }", "a", "'a'b;"):
        with pytest.raises(NotNginxError):
            parsed(broken)
    assert [one.value for one in tokens('x{a="b\\"\\n"} # "')][4] == 'b"\n'
    assert [one.kind for one in tokens("a + 'b'")] == ["word", "sign", "string"]
    with pytest.raises(NotPromqlError):
        tokens('x{a="b')
