"""A shop in a real git repository, and secrets that no test leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from canaryctl.core.redaction import SECRETS
from tests.checking.shops import git_of_nobody, shop, shops, unreleased

__all__ = ["git_of_nobody", "shop", "shops", "unreleased"]


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    SECRETS.know(())
