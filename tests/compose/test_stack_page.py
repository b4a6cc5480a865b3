"""docs/stack.md names every family, every alert, every service and every port."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml
from prometheus_client.core import Metric

from canaryctl.core.drained import Drained
from canaryctl.core.events import Started
from canaryctl.core.lease import Lease
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.state import Phase, StageRecord, State
from canaryctl.core.weight import Weight
from canaryctl.guarding.exported import Watched
from canaryctl.guarding.exported import families as of_the_guard
from canaryctl.listeners.export_families import families as of_a_rollout
from canaryctl.listeners.export_seen import Seen
from canaryctl.ports import InForce, Mark
from tests.listeners.walk import LOSS, plan

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/stack.md").read_text(encoding="utf-8")
_ENDINGS = {"counter": "_total", "info": "_info"}


def names(metrics: Iterable[Metric]) -> Iterator[str]:
    """Give the families as people type them in a query."""
    for one in metrics:
        yield one.name + _ENDINGS.get(one.type, "")


def emitted() -> set[str]:
    """Give every family that there can be."""
    begun = plan("5", "100")
    record = StageRecord(begun.stages[0], 1.0, findings=(LOSS,))
    state = State(
        begun,
        phase=Phase.ENDED,
        index=0,
        weight=Weight.ZERO,
        ending=Ending(Cause.GATE_FAILED, "it did"),
        records=(record,),
        drained=Drained(1, 1, 1.0, 1.0),
    )
    seen = Seen().after(Started(1.0), state)
    rollout = of_a_rollout("shop", Mark(), seen)
    lease = Lease("r1", "me@here:1", "v0.2.0", 30.0)
    force = InForce("3-ab", Weight(500), Mark(), "3-ab")
    guard = of_the_guard("shop", Watched(1, 1.0, lease, 3.0, force, returned=1, returned_at=1.0))
    return {*names(rollout), *names(guard)}


def test_the_page_has_every_family_and_no_other() -> None:
    body = PAGE.partition("## canaryctl's own metrics")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in body.splitlines() if line.startswith("| `canaryctl_")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == emitted()


def test_alerts_and_dashboard_ask_for_families_that_there_are() -> None:
    known = emitted() | {f"{name}_{part}" for name in emitted() for part in ("bucket", "count")}
    for path in ("prometheus/rules/canaryctl.yml", "grafana/dashboards/canary.json"):
        text = (ROOT / "compose" / path).read_text(encoding="utf-8")
        assert set(re.findall(r"\bcanaryctl_\w+", text)) <= known, path


def test_the_page_has_every_alert_with_its_severity() -> None:
    rules = yaml.safe_load((ROOT / "compose/prometheus/rules/canaryctl.yml").read_text())
    alerts = {
        rule["alert"]: rule["labels"]["severity"]
        for group in rules["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    told: dict[str, str] = {}
    for line in PAGE.partition("## The alerts")[2].splitlines():
        if line.startswith(("| `Canary", "| `Production")):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found, severities = re.findall(r"`(\w+)`", cells[0]), cells[2].split(", ")
            told |= dict(zip(found, severities, strict=True))
    assert told == alerts


def test_the_page_has_every_service_and_every_port() -> None:
    for file in ("docker-compose.production.yml", "docker-compose.canary.yml"):
        text = (ROOT / "compose" / file).read_text(encoding="utf-8")
        for service in yaml.safe_load(text)["services"]:
            assert f"`{service}`" in PAGE, service
        for variable, port in re.findall(r"127\.0\.0\.1:\$\{(\w+):-(\d+)\}", text):
            assert port in PAGE, port
            assert f"`{variable}`" in PAGE or variable in {"FAULTS_PORT", "CANARY_FAULTS_PORT"}
