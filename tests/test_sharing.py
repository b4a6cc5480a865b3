"""Which tests stay together on one worker."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.sharing import group, put_in_order


@pytest.mark.parametrize(
    ("nodeid", "expected"),
    [
        ("tests/core/test_plan.py::test_it[1]", None),
        ("tests/drivers/test_tls.py::test_it[a::b]", "tests/drivers/test_tls.py"),
        ("tests/e2e/test_rollout.py::test_it", "stack"),
        ("tests/e2e/test_trouble.py::test_it", "stack"),
        ("tests/e2e/test_drift.py::test_it", "tests/e2e/test_drift.py"),
    ],
)
def test_what_shares_something_stays_together(nodeid: str, expected: str | None) -> None:
    assert group(nodeid) == expected


def test_the_longest_come_first_and_a_file_keeps_its_order() -> None:
    ids = [
        "tests/core/test_a.py::test_1",
        "tests/drivers/test_tls.py::test_2",
        "tests/drivers/test_tls.py::test_3",
        "tests/e2e/test_drift.py::test_4",
        "tests/e2e/test_rollout.py::test_5",
    ]
    items: list[Any] = [SimpleNamespace(nodeid=one, fixturenames=()) for one in ids]
    put_in_order(items)
    assert [item.nodeid[-1] for item in items] == ["5", "4", "2", "3", "1"]


def test_who_needs_the_stack_unseen_is_refused() -> None:
    item: Any = SimpleNamespace(nodeid="tests/e2e/test_drift.py::test_it", fixturenames=("stack",))
    with pytest.raises(pytest.UsageError, match="needs the stack"):
        put_in_order([item])
