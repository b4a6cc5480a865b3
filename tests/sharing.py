"""How the tests are shared out between workers: ``pytest -n 3 --no-loadscope-reorder``.

Tests of one file share what it starts, so they stay on one worker; files that need the stack of
containers share that. A test of ``core`` starts nothing: each goes where there is room. What
takes longest comes first, so that no worker is left with it at the end.

A test marked ``alone`` measures seconds that are promised. It runs after the others, beside
none: ``make test`` calls pytest twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

STACK = "stack"
"""The fixture, and the group's name."""
_FIRST = (
    *("tests/docs/test_pages", "tests/e2e/test_compose_stack", "tests/compose"),
    *("tests/chaos", "tests/e2e", "tests/drivers", "tests/cli"),
)
_ROOT = Path(__file__).parents[1]
# The fixtures that lead to the stack are all of this type.
_OF_STACK = re.compile(r"\bWorld\b")


def group(nodeid: str) -> str | None:
    """Name the group of a test; None: it shares nothing."""
    path = nodeid.partition("::")[0]
    if path.startswith("tests/core/"):
        return None
    return STACK if path.startswith("tests/e2e/") and _needs_stack(path) else path


@cache
def _needs_stack(path: str) -> bool:
    return _OF_STACK.search((_ROOT / path).read_text(encoding="utf-8")) is not None


def put_in_order(items: list[pytest.Item]) -> None:
    """Let those of the stack come first, then folder by folder.

    Raises:
        pytest.UsageError: a test of another group needs the stack.
    """
    for item in items:
        if STACK in fixtures(item) and group(item.nodeid) != STACK:
            raise pytest.UsageError(f"{item.nodeid} needs the stack: annotate it as World")
    items.sort(key=_rank)


def fixtures(item: pytest.Item) -> Iterable[str]:
    """Name the fixtures of a test."""
    found: Iterable[str] = getattr(item, "fixturenames", ())
    return found


def _rank(item: pytest.Item) -> int:
    if group(item.nodeid) == STACK:
        return -1
    return next((n for n, path in enumerate(_FIRST) if item.nodeid.startswith(path)), len(_FIRST))


def scheduler(config: pytest.Config, log: Any) -> Any:
    """Give what shares tests out by their group."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415  only where there are workers

    class Shared(LoadScopeScheduling):  # type: ignore[misc]  # xdist tells no types
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid) or nodeid

    return Shared(config, log)
