"""One machine for all pages."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.place import Place, missing
from tests.docs.scene import Scene


@pytest.fixture(scope="session")
def scene(docker_engine: Any, docker_url: str) -> Iterator[Scene]:  # noqa: ARG001  skips without
    """The machine on which pages are read."""
    if why := missing():
        pytest.skip(why)
    # Not pytest's own: the engine's socket needs a short path.
    base = Path(tempfile.mkdtemp(prefix="canaryctl-docs-", dir="/tmp"))
    try:
        (base / "engine").mkdir()
        with Place(base / "engine", docker_url) as place:
            scene = Scene(place, base)
            try:
                yield scene
            finally:
                scene.close()
    finally:
        shutil.rmtree(base, ignore_errors=True)
