"""A smoke suite is read from its file, or from a text."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from canaryctl.config.document import Document, text_of
from canaryctl.config.secrets import learn_besides
from canaryctl.resources import shipped
from canaryctl.smoke.rules import broken
from canaryctl.smoke.suite import Suite


def shipped_suite() -> Path:
    """Give the file of the suite that is used where none is named."""
    return shipped("compose/smoke.yaml")


def load_suite(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Suite:
    """Read and check a suite.

    Args:
        path: its file; None: the shipped one.
        environment: for ``${VAR}``; None: the process' own.

    Raises:
        ConfigError: unreadable, not YAML, or wrong; names file, line and key.
    """
    file = shipped_suite() if path is None else path
    return suite_of(text_of(file), str(file), os.environ if environment is None else environment)


def suite_of(text: str, name: str, environment: Mapping[str, str]) -> Suite:
    """Check a text; see ``load_suite``."""
    return Document(
        Suite,
        _learn,
        expected="a mapping with name and steps is expected",
        next_step="`canaryctl smoke-test --show` prints a suite to start from",
        rules=broken,
    ).checked(text, name, environment)


def _learn(filled: Mapping[str, Any], given: Any) -> None:
    """Make the suite's secrets known, besides those of canary.yaml."""
    steps = filled.get("steps")
    kept = [_sent(step) for step in steps] if isinstance(steps, list) else steps
    open_places = (("name",), ("steps",), ("containers",))
    learn_besides({**filled, "steps": kept}, given, open_places)


def _sent(step: Any) -> Any:
    """Leave out what is no secret by its key: places that are saved, headers that are expected."""
    if not isinstance(step, dict):
        return step
    kept = {key: one for key, one in step.items() if key != "save"}
    if isinstance(expect := step.get("expect"), dict):
        kept["expect"] = {key: one for key, one in expect.items() if key != "headers"}
    return kept
