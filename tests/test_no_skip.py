"""With ``CANARYCTL_NO_SKIP`` set, what would be left out fails instead."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPING = """
import pytest
def test_skips(): pytest.skip("no engine here")
@pytest.mark.xfail(reason="known")
def test_known(): assert False
"""
CONFTEST = Path(__file__).parent / "conftest.py"


@pytest.mark.parametrize(
    ("forbidden", "source", "ends_with", "says"),
    [
        ("", SKIPPING, 0, "1 skipped, 1 xfailed"),
        ("1", SKIPPING, 1, "1 failed, 1 xfailed"),
        ("", "import pytest; pytest.importorskip('no_such_module')", 5, "1 skipped"),
        ("1", "import pytest; pytest.importorskip('no_such_module')", 2, "1 error"),
    ],
)
def test_a_skip_is_a_failure_where_it_is_forbidden(
    tmp_path: Path, forbidden: str, source: str, ends_with: int, says: str
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text())
    (tmp_path / "test_it.py").write_text(source)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "CANARYCTL_NO_SKIP": forbidden},
        cwd=CONFTEST.parent.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == ends_with, ended.stdout
    assert says in ended.stdout
