"""Every command of every page is run, in the page's order, and prints what the page shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.lanes import Read, everything, unread
from tests.docs.page import TRANSLATED, blocks, named, pages
from tests.docs.scene import Scene

ORIGINALS = [page for page in pages() if named(page) not in TRANSLATED]


@pytest.fixture(scope="session")
def readings(request: pytest.FixtureRequest, scenes: dict[str, Scene]) -> dict[str, Read]:
    """Read the pages that are asked for."""
    asked: list[Path] = [
        Path(str(item.callspec.params["page"]))
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        if item.path == Path(__file__) and "page" in item.callspec.params
    ]
    return everything(asked, scenes)


@pytest.mark.docker
@pytest.mark.parametrize("page", ORIGINALS, ids=named)
def test_a_page_says_what_happens(page: Path, readings: dict[str, Read]) -> None:
    read = readings[named(page)]
    assert not read.wrong, "\n\n".join(read.wrong)
    assert not unread(page, read.ran)
    assert read.ran or not any(block.commands for block in blocks(page))
