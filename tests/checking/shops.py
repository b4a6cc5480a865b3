"""A shop in a real git repository, made once and copied for each test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checking.shop import Shop, opened


@pytest.fixture(autouse=True, scope="session")
def git_of_nobody() -> Iterator[None]:
    """Keep the machine's own configuration of git out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


@pytest.fixture(scope="session")
def shops(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make one before its release, and one after it."""
    before = opened(tmp_path_factory.mktemp("shop") / "before")
    after = before.path.with_name("after")
    shutil.copytree(before.path, after)
    Shop(after).release()
    return before.path, after


def _copied(source: Path, to: Path) -> Shop:
    shutil.copytree(source, to, dirs_exist_ok=True)

    subprocess.run(["git", "-C", str(to), "update-index", "-q", "--refresh"], check=False)
    return Shop(to)


@pytest.fixture
def unreleased(shops: tuple[Path, Path], tmp_path: Path) -> Shop:
    """A shop whose v0.2.0 was not released yet."""
    return _copied(shops[0], tmp_path)


@pytest.fixture
def shop(shops: tuple[Path, Path], tmp_path: Path) -> Shop:
    """A shop that is ready: every check passes."""
    return _copied(shops[1], tmp_path)
