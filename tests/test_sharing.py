"""Which tests stay together on one worker."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.sharing import group, shared_out


class Item(SimpleNamespace):
    """As much of a test as is looked at."""

    def add_marker(self, mark: Any) -> None:
        self.groups = [*mark.mark.args]


@pytest.mark.parametrize(
    ("nodeid", "fixtures", "expected"),
    [
        ("tests/core/test_plan.py::test_it[1]", (), None),
        ("tests/drivers/test_tls.py::test_it[a::b]", ("tmp_path",), "tests/drivers/test_tls.py"),
        ("tests/e2e/test_rollout.py::test_it", ("world", "stack"), "stack"),
        ("tests/e2e/test_trouble.py::test_it", ("stack",), "stack"),
        ("tests/e2e/test_drift.py::test_it", ("local",), "tests/e2e/test_drift.py"),
    ],
)
def test_what_shares_something_stays_together(
    nodeid: str, fixtures: tuple[str, ...], expected: str | None
) -> None:
    assert group(nodeid, fixtures) == expected


def test_the_longest_come_first_and_a_file_keeps_its_order() -> None:
    given = [
        ("tests/core/test_a.py::test_one", ()),
        ("tests/drivers/test_b.py::test_two", ()),
        ("tests/drivers/test_b.py::test_three", ()),
        ("tests/e2e/test_c.py::test_four", ("local",)),
        ("tests/e2e/test_d.py::test_five", ("stack",)),
    ]
    items: list[Any] = [Item(nodeid=nodeid, fixturenames=names) for nodeid, names in given]
    core = items[0]
    shared_out(items)
    assert [item.nodeid.rpartition("_")[2] for item in items] == [
        *("five", "four", "two", "three", "one")
    ]
    assert items[0].groups == ["stack"]
    assert not hasattr(core, "groups")
