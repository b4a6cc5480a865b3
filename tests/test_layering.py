"""Who may import whom."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "canaryctl"
ROOT_MODULES = {
    "runner",
    "watch",
    "long",
    "preflight",
    "quantities",
    "resources",
    "wiring",
    "wiring_metrics",
}

ALLOWED = {
    "core": {"core"},
    "ports": {"ports", "core"},
    "runner": {"core", "ports", "watch", "long"},
    "long": {"core", "watch"},
    "watch": {"core", "ports"},
    "guarding": {"guarding", "config", "core", "ports", "drivers", "listeners", "wiring"},
    "preflight": {"core", "ports"},
    "quantities": set(),
    "resources": set(),
    "config": {"config", "core", "quantities"},
    "drivers": {"core", "ports", "drivers"},
    "listeners": {"core", "ports", "quantities", "listeners"},
    "wiring": {
        *("config", "core", "ports", "drivers", "listeners", "resources", "quantities"),
        "wiring_metrics",
    },
    "wiring_metrics": {"config", "core", "ports", "drivers"},
    "checking": {"checking", "config", "core", "ports", "drivers", "quantities"},
    "releasing": {"releasing", "config", "core", "ports", "drivers", "quantities"},
    "smoke": {"smoke", "config", "core", "ports", "drivers", "quantities", "resources"},
    "deploying": {"deploying", "config", "core", "ports", "drivers", "quantities", "smoke"},
    "promoting": {
        *("promoting", "deploying", "smoke", "config", "core", "ports", "drivers", "listeners"),
        *("wiring", "guarding", "quantities"),
    },
    "reporting": {"reporting", "core", "listeners", "quantities", "resources"},
    "demo": {"demo", "core", "ports", "resources", "drivers"},
    "simulate": {"simulate", "core"},
}


def layer(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_layer_imports_only_what_it_may(path: Path) -> None:
    here = layer(path)
    if here not in ALLOWED:
        assert here in {"cli", "__init__", "__main__"}, f"{here} has no rule"
        return
    inner = {name.split(".")[1] for name in imported(path) if name.startswith("canaryctl.")}
    assert inner <= ALLOWED[here], f"{here} may not import {inner - ALLOWED[here]}"


@pytest.mark.parametrize("path", [p for p in modules() if layer(p) == "core"], ids=lambda p: p.stem)
def test_core_needs_the_standard_library_only(path: Path) -> None:
    outer = {name.split(".")[0] for name in imported(path)} - {"canaryctl"}
    assert outer <= sys.stdlib_module_names


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_the_clock_driver_knows_the_time(path: Path) -> None:
    if path == PACKAGE / "drivers" / "clock.py":
        return
    forbidden = {("time", "sleep"), ("time", "time"), ("time", "monotonic"), ("datetime", "now")}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) not in forbidden, f"{path}:{node.lineno}"


def test_the_rules_see_a_forbidden_import(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text("from canaryctl.drivers.clock import SystemClock\nimport yaml\n")
    assert {"canaryctl.drivers.clock", "yaml"} <= imported(sample)
