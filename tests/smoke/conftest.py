"""A service that a test can break, and secrets that no test leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from canaryctl.core.redaction import SECRETS
from tests.smoke.faulty_service import Service, serving


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path) as running:
        yield running


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    SECRETS.know(())
