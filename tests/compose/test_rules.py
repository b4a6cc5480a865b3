"""The alerts: accepted by Prometheus, and each fires for its reason and not without it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).resolve().parent
PROMETHEUS = HERE.parents[1] / "compose/prometheus"
RULES = PROMETHEUS / "rules/canaryctl.yml"
TESTS = HERE / "rules_test.yml"


def promtool(*arguments: str, within: Path) -> str:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("needs promtool, which comes with Prometheus")
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=60, cwd=within, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def test_prometheus_accepts_rules_and_configuration() -> None:
    assert "SUCCESS" in promtool("check", "rules", RULES.name, within=RULES.parent)
    assert "SUCCESS" in promtool("check", "config", "stack.yml", within=PROMETHEUS)


def test_each_alert_fires_for_its_reason() -> None:
    promtool("test", "rules", TESTS.name, within=HERE)


def test_each_alert_is_tested_to_fire_and_says_what_to_do() -> None:
    alerts = {
        rule["alert"]: rule
        for group in yaml.safe_load(RULES.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    tested = {
        one["alertname"]
        for world in yaml.safe_load(TESTS.read_text())["tests"]
        for one in world["alert_rule_test"]
        if one["exp_alerts"]
    }
    assert tested == set(alerts)
    for name, rule in alerts.items():
        assert rule["labels"]["severity"] in {"warning", "critical"}, name
        assert rule["annotations"]["summary"], name
        assert rule["annotations"]["runbook"], name
