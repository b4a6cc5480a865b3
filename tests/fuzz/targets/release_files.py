"""Manifests, environment files and migrations' output: whatever they are, only words come of it."""

# ruff: noqa: PT017  an error is one of two good ends, and held to what it promises

from __future__ import annotations

import json
from random import Random
from typing import Any

from canaryctl.checking.markdown import sections
from canaryctl.checking.migration_files import Migration
from canaryctl.checking.migration_output import shortfalls
from canaryctl.checking.placeholder import is_placeholder, is_secret, password_in
from canaryctl.core import manifest
from canaryctl.drivers.dotenv import parse
from tests.fuzz import dice as a
from tests.fuzz.target import Target, showable

_MANIFEST: dict[str, Any] = {
    "version": "v0.2.0",
    "commit": "b1" * 20,
    "created": "2025-06-30T00:13:07Z",
    "artifacts": [
        {"path": "dist/app.tar", "size": 5, "sha256": "0a" * 32},
        {"path": "models/ppo.pt", "size": 2**40, "sha256": "ff" * 32},
    ],
}
_ENVIRONMENT = """\
# the shop's
export API_KEY="s3cr3t \\" and more" # why
PORT = 8000
NAME='it is
two lines'
EMPTY=
URL=postgres://app:pass@db/shop
CACHE="redis://:${API_KEY:-${NAME}}@$HOST_OF_IT/${NO?}$$"
"""
_PAGE = "# Page\n\n## Rollback\n\n```sh\n# x\n```\n\nPromotion\n---\n\n<!-- no -->\n- TODO\n"
_FILES = tuple(
    Migration(f"m/{name}.sql", name, number)
    for name, number in (("0001_a", "1"), ("0002_b", "2"), ("0003_c", "3"))
)
_APPLIED = "[X] 0001_a\n 0002 | b\n0003_c (head)\n(3 rows)\n"


def manifests(dice: Random) -> None:
    """A manifest that is read names only files inside, once each, and is written as one."""
    text = a.as_json(dice, a.mutated_json(dice, _MANIFEST))
    try:
        found = manifest.parse(text)
    except manifest.NotManifestError as error:
        assert showable(str(error)), str(error)
        return
    for one in found.artifacts:
        assert manifest.inside(one.path)
        assert showable(one.path)
        assert ".." not in one.path.split("/")
    assert manifest.parse(found.text()).text() == found.text()
    assert json.loads(found.text())["commit"] == found.commit


def environments(dice: Random) -> None:
    """Any text has names, values and broken lines; each value is judged."""
    text = a.mutated(dice, _ENVIRONMENT) if dice.random() < 0.8 else a.text(dice, 30)
    found = parse(text, {"HOST_OF_IT": "cache"})
    assert found.values.keys() == found.written.keys()
    assert all(showable(one) for one in found.lacking.values())
    for name, value in found.values.items():
        assert name.isascii()
        assert showable(name)
        assert is_placeholder(name, value) in (True, False)
        assert is_secret(name, value) in (True, False)
        assert password_in(value) != ""
    assert all(one > 0 for one in found.broken)
    assert repr(found).count("postgres://") == 0


def pages(dice: Random) -> None:
    """Any page has sections."""
    text = a.mutated(dice, _PAGE) if dice.random() < 0.8 else a.text(dice, 30)
    for one in sections(text):
        assert one.is_called("Rollback") in (True, False)


def outputs(dice: Random) -> None:
    """Whatever a tool prints, everything is applied only when the newest one is named."""
    text = a.mutated(dice, _APPLIED)
    said = list(shortfalls(_FILES, text))
    assert len(said) <= 1
    assert said or "3" in text


TARGETS = (
    Target("manifests", manifests, share=2),
    Target("environment files", environments, share=2),
    Target("runbooks", pages, share=1),
    Target("applied migrations", outputs, share=1),
)
