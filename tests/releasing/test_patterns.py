"""What a release consists of where its patterns match whatever there is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from canaryctl.checking.finding import Status
from canaryctl.core import manifest
from canaryctl.drivers.tree import TooSlowError, Tree
from canaryctl.releasing.survey import ReleaseRefused
from tests.checking.shop import Shop

ROOT = Path(__file__).resolve().parents[2]
ALL: dict[str, Any] = {"artifacts": {"files": ["**/*"]}}
SLOW = "dist/app.tar takes too long to read: 1 s are for all artifacts together"


def no_time(*_: object) -> None:
    raise TooSlowError("takes too long to read")


def other_release(version: str) -> str:
    return manifest.Manifest(version, "a" * 40, "2025-06-30T00:13:07Z", ()).text()


def test_everything_is_neither_git_nor_a_manifest(unreleased: Shop) -> None:
    unreleased.write("releases/v0.1.0.json", other_release("v0.1.0"))
    unreleased.write("releases/notes.json", "{}")
    unreleased.commit()
    listed = [one.path for one in unreleased.release(**ALL).manifest.artifacts]
    assert {"dist/app.tar", "docs/runbook.md", "releases/notes.json"} <= set(listed)
    assert not [one for one in listed if one.startswith((".git/", "releases/v"))]
    assert unreleased.survey(**ALL).is_there
    unreleased.write("releases/v0.3.0.json", other_release("v0.3.0"))
    found = unreleased.check(**ALL)["artifacts"]
    assert found.status is Status.PASS, found.reason


def test_a_release_says_that_there_is_no_time(
    unreleased: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    little: dict[str, Any] = {"artifacts": {"files": ["dist/*"], "timeout": "1s"}}
    unreleased.release()
    monkeypatch.setattr(Tree, "digest", no_time)
    with pytest.raises(ReleaseRefused, match=SLOW):
        unreleased.survey(**little)
    found = unreleased.check(only="artifacts", **little)["artifacts"]
    assert found.status is Status.FAIL
    assert found.reason == SLOW
    assert "checks.artifacts.timeout" in found.mend
    unreleased.git("tag", "--delete", "v0.2.0")
    unreleased.git("checkout", "--", ".")
    with pytest.raises(ReleaseRefused) as refused:
        unreleased.survey(**little)
    assert str(refused.value) == SLOW
    assert "checks.artifacts.timeout" in refused.value.next_step


def test_a_name_that_is_no_text_is_said_and_shown(unreleased: Shop) -> None:
    text = (unreleased.path / "canary.yaml").read_text()
    unreleased.write("canary.yaml", f"{text}checks:\n  artifacts: {{files: ['dist/*']}}\n")
    unreleased.commit()
    (unreleased.path / os.fsdecode(b"dist/a\xff.tar")).write_text("x")
    ran = subprocess.run(
        [sys.executable, "-m", "canaryctl", "release", "v0.2.0"],
        cwd=unreleased.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 4, ran.stderr
    assert b"has a name that is not UTF-8" in ran.stderr
    assert b"rename it" in ran.stderr
    assert b"Traceback" not in ran.stderr
