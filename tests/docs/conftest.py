"""The machines on which pages are read."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.lanes import LANES
from tests.docs.place import Place, missing
from tests.docs.scene import Scene


@pytest.fixture(scope="session")
def scenes(docker_engine: Any, docker_url: str) -> Iterator[dict[str, Scene]]:  # noqa: ARG001
    """A machine for the shop's pages, one for the stack's, and beside them a checkout."""
    if why := missing():
        pytest.skip(why)
    # Not pytest's own: the engine's socket needs a short path.
    base = Path(tempfile.mkdtemp(prefix="canaryctl-docs-", dir="/tmp"))
    with contextlib.ExitStack() as ended:
        ended.callback(shutil.rmtree, base, ignore_errors=True)
        found: dict[str, Scene] = {}
        for lane, machine in zip(LANES, ("shop", "stack", "shop"), strict=True):
            folder = base / lane
            (folder / "engine").mkdir(parents=True)
            place = (
                ended.enter_context(Place(folder / "engine", docker_url))
                if lane == machine
                else found[machine].place
            )
            found[lane] = Scene(place, folder)
            ended.callback(found[lane].close)
        yield found
