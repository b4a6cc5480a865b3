"""A suite's regular expression against what a service answered, bounded in time.

An expression that backtracks can need years for a few dozen characters, and whoever answers
chooses them. ``re`` cannot be stopped: it holds the interpreter, so neither a thread nor a time
limit in this process ends it. Telling harmless expressions by their form misses some. So every
one is tried in a small process that its machine ends, also when nobody is left to end it.
"""

from __future__ import annotations

import marshal
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from canaryctl.core.errors import CanaryctlError
from canaryctl.drivers.command import CommandError, run
from canaryctl.smoke.excerpt import of_text, of_value
from canaryctl.smoke.json_path import Found
from canaryctl.smoke.problem import Problem

if TYPE_CHECKING:
    from canaryctl.ports import Clock

_LONGEST_MATCHED = 100_000
_AT_ONCE = 50_000
"""Texts: of what a program says so many characters are kept, and more."""
_COMPUTING = 2
"""Seconds of a processor that one process gets."""
_WITHIN = 15.0
"""Seconds in all, for a machine that is busy."""
# Only what stands without reading files, so that it starts at once.
_PROGRAM = f"""\
import resource
resource.setrlimit(resource.RLIMIT_CPU, ({_COMPUTING}, {_COMPUTING} + 1))
import marshal, re, sys
pattern, texts = marshal.load(sys.stdin.buffer)
find = re.compile(pattern).search
sys.stdout.write("".join("0" if find(text) is None else "1" for text in texts))
"""
_SIMPLER = (
    "write it without a repetition within a repetition, and without two in a row that take the "
    "same characters"
)


class EndlessError(CanaryctlError):
    """An expression came to no end, or could not be tried; says why."""


def unmatched(pattern: str, path: str, values: Sequence[Found], clock: Clock) -> Iterator[Problem]:
    """Give the values that are no text in which an expression finds something.

    Args:
        pattern: the expression.
        path: as the suite has it, for when it comes to no end.
        values: what was found there.
        clock: for the time that it may take.
    """
    wish = f"text matching {pattern!r}"
    texts = [one.value[:_LONGEST_MATCHED] for one in values if isinstance(one.value, str)]
    try:
        fits = iter(list(_tried(pattern, texts, clock)))
    except EndlessError as error:
        shown = of_value(texts[0]) if len(texts) == 1 else f"{len(texts)} texts"
        yield Problem(path, wish, f"{shown}: {error}", _SIMPLER)
        return
    for one in values:
        if not isinstance(one.value, str) or not next(fits):
            yield Problem(one.path, wish, of_value(one.value))


def _tried(pattern: str, texts: Sequence[str], clock: Clock) -> Iterator[bool]:
    """Tell of each text whether the expression finds something in it.

    Raises:
        EndlessError: it cannot be told.
    """
    waiting = iter(texts)
    while some := list(islice(waiting, _AT_ONCE)):
        yield from _told((pattern, some), len(some), clock)


def _told(given: Any, count: int, clock: Clock) -> list[bool]:
    argv = (sys.executable, "-I", "-S", "-W", "ignore", "-c", _PROGRAM)
    try:
        ran = run(argv, clock, _WITHIN, stdin=marshal.dumps(given))
    except CommandError as error:
        raise EndlessError(f"the expression cannot be tried: {error}") from error
    if ran.code is None or ran.code < 0:
        raise EndlessError(f"the expression comes to no end (ended after {ran.seconds:.1f} s)")
    if ran.code or len(ran.out) != count:
        raise EndlessError(f"the expression cannot be tried: {of_text(ran.last_words)}")
    return [one == "1" for one in ran.out]
