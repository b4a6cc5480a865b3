"""How the tests are shared out between workers: ``pytest -n 3 --dist loadgroup``.

Tests of one file share what it starts, so they stay on one worker; those that need the stack of
containers share that, wherever they are. A test of ``core`` starts nothing: each goes where there
is room. What takes longest comes first, so that no worker is left with it at the end.

A test marked ``alone`` measures seconds that are promised. It runs after the others, beside
none: ``make test`` calls pytest twice.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

STACK = "stack"
"""The fixture, and the group's name."""
_FIRST = ("tests/chaos", "tests/e2e", "tests/drivers", "tests/cli")


def shared_out(items: list[pytest.Item]) -> None:
    """Give each test its group, and put them in order."""
    for item in items:
        if (name := group(item.nodeid, getattr(item, "fixturenames", ()))) is not None:
            item.add_marker(pytest.mark.xdist_group(name))
    items.sort(key=_rank)


def group(nodeid: str, fixtures: Iterable[str]) -> str | None:
    """Name the group of a test; None: it shares nothing."""
    if STACK in fixtures:
        return STACK
    path = nodeid.partition("::")[0]
    return None if path.startswith("tests/core/") else path


def _rank(item: pytest.Item) -> int:
    if STACK in getattr(item, "fixturenames", ()):
        return -1
    return next((n for n, path in enumerate(_FIRST) if item.nodeid.startswith(path)), len(_FIRST))
