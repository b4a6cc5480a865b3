"""The dashboard: the panels that were asked for, and data in each, from the running stack."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from canaryctl.demo.fault import switch
from canaryctl.demo.processes import Child
from canaryctl.drivers.clock import SystemClock
from tests.compose.site import COMPOSE, Site, site
from tests.e2e.harness import Running, Tool, eventually

DASHBOARD: dict[str, Any] = json.loads((COMPOSE / "grafana/dashboards/canary.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
ASKED_FOR = {
    *("Traffic split", "Error rate", "Latency percentiles", "Throughput", "Accuracy", "Memory"),
    *("DB pool", "Cache hits", "Error count", "Deployment status"),
}
SIDE_BY_SIDE = ASKED_FOR - {"Deployment status"}
ANNOTATIONS = {
    one["name"]: one["expr"] for one in DASHBOARD["annotations"]["list"] if "expr" in one
}
# A guard of a rollout returns its traffic before the one beside NGINX would: that family is
# tested in tests/guarding/test_exported.py.
NOT_SEEN_HERE = {"Returned by the guard"}
RATE = 60


def filled(expression: str) -> str:
    """Put in what Grafana would, with "All" chosen."""
    for name, value in (
        ("$__rate_interval", "10s"),
        ("$__range", "5m"),
        ("$version", "(canary|production)"),
        ("$service", ".*"),
    ):
        expression = expression.replace(name, value)
    assert "$" not in expression, f"a variable that is not known: {expression}"
    return expression


def numbers(found: list[dict[str, Any]]) -> list[float]:
    return [float(one["value"][1]) for one in found]


def data(up: Site, expression: str) -> list[dict[str, Any]]:
    """Wait for an answer with numbers in it."""
    found: list[dict[str, Any]] = []

    def there() -> bool:
        found[:] = up.query(filled(expression))
        return bool(found) and not any(map(math.isnan, numbers(found)))

    eventually(there, f"data for {expression}", 40)
    return found


def versions(panel: dict[str, Any], up: Site) -> set[str]:
    series = [one for each in panel["targets"] for one in up.query(filled(each["expr"]))]
    return {one["metric"]["version"] for one in series if "version" in one["metric"]}


def side_by_side(panel: dict[str, Any], up: Site) -> None:
    """Wait until a panel has both versions: a rate needs two samples of the younger one too."""
    both = {"canary", "production"}
    eventually(lambda: versions(panel, up) == both, f"both versions in {panel['title']}", 40)


def test_every_panel_that_was_asked_for_is_there() -> None:
    assert {panel["title"] for panel in PANELS} >= ASKED_FOR
    assert all(panel["description"] for panel in PANELS)
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_it_is_provisioned() -> None:
    import yaml  # noqa: PLC0415

    provisioning = COMPOSE / "grafana/provisioning"
    source = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    provider = yaml.safe_load((provisioning / "dashboards/canary.yml").read_text())
    path = provider["providers"][0]["options"]["path"]
    grafana = yaml.safe_load((COMPOSE / "docker-compose.production.yml").read_text())["services"][
        "grafana"
    ]
    mounted = {one["target"]: one["source"] for one in grafana["volumes"]}
    assert mounted[path] == "./grafana/dashboards"
    assert mounted["/etc/grafana/provisioning"] == "./grafana/provisioning"


@pytest.fixture(scope="module")
def up(docker_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site"), docker_engine) as running:
        yield running


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    started = Tool(tmp_path_factory.mktemp("tool") / "state")
    yield started
    for running in started.started:
        running.stop()


def rollout(up: Site, tool: Tool, *arguments: str) -> Running:
    verb = ("rollout", "--version", "v0.2.0", "--output", "json")
    return tool.start(*verb, *arguments, config=up.config, **up.env)


@contextmanager
def clients(up: Site, folder: Path) -> Iterator[None]:
    """Keep clients busy until the block ends, on however slow a machine."""
    report = folder / "load.json"
    argv = [
        *(sys.executable, "-m", "canaryctl.demo.load"),
        *("--url", f"http://127.0.0.1:{up.port('HTTP_PORT')}", "--rate", str(RATE)),
        *("--seconds", "900", "--connections", "12", "--report", str(report)),
    ]
    with Child("load", argv, log_dir=folder, clock=SystemClock()):
        eventually(report.exists, "the load's first report", 60)
        yield


@pytest.mark.docker
def test_each_query_returns_data_from_the_running_stack(
    up: Site, tool: Tool, tmp_path: Path
) -> None:
    """One story: a rollout under way, thrown back, and another one that succeeds."""
    began = tool.start("weights", "set", "0", config=up.config, **up.env).end()
    assert began.code == 0, began.err
    tool.start("guard", config=up.config, **up.env)
    with clients(up, tmp_path):
        # The preflight asks for stable's series, which its first requests bring about.
        data(up, 'sum(rate(http_requests_total{version="production"}[10s])) > 0')
        first = rollout(up, tool, "--stages", "50,100")
        first.wait_for(lambda e: e["event"] == "evaluation", "the first look at the gates", 120)
        for panel in PANELS:
            for target in panel["targets"]:
                data(up, target["expr"])
        for panel in (each for each in PANELS if each["title"] in SIDE_BY_SIDE):
            side_by_side(panel, up)
        # The guard looks every few seconds.
        weight = "canaryctl_gateway_weight_ratio{version='canary'}"
        eventually(lambda: numbers(up.query(weight)) == [0.5], "the guard sees 50 %", 60)
        assert data(up, ANNOTATIONS["Stages"])[0]["metric"]["weight"] == "50"
        assert up.scraped("app", "app-canary", "canaryctl", "canaryctl-guard", "prometheus")

        switch(f"http://127.0.0.1:{up.port('CANARY_FAULTS_PORT')}/faults", {"errors": 0.5})
        assert first.end(180).outcome["outcome"] == "rolled_back"
        switch(f"http://127.0.0.1:{up.port('CANARY_FAULTS_PORT')}/faults", {"errors": 0})
        # Its page is gone; what it ended with was read before.
        ended = data(up, f"last_over_time(({ANNOTATIONS['Rollbacks']})[1m:1s])")
        assert ended[0]["metric"]["cause"] == "gate failed"
        data(up, 'ALERTS{alertname="CanaryctlRolledBack",alertstate="firing"}')

        quick = ("--stages", "100", "--observation-period", "3s")
        second = rollout(up, tool, *quick).end(180)
        assert second.outcome["outcome"] == "succeeded", second.err
        data(up, f"last_over_time(({ANNOTATIONS['Rolled out']})[1m:1s])")
    assert set(ANNOTATIONS) == {"Stages", "Rollbacks", "Rolled out"} | NOT_SEEN_HERE
