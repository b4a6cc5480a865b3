"""Probes, against real servers, programs and Prometheus."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from canaryctl.checking.assemble import suite
from canaryctl.checking.finding import Finding, Said, Status, failed, passed
from canaryctl.checking.scene import Given, Scene
from canaryctl.config.checks import ChecksModel
from canaryctl.core.errors import HostError
from canaryctl.core.weight import Weight
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.prometheus import PrometheusMetrics
from canaryctl.ports import InForce
from tests.checking.pages import serving
from tests.checking.shop import DECLARED, nobody, nothing_there
from tests.drivers.prometheus_server import prometheus, prometheus_binary

OFF = dict.fromkeys(DECLARED, "off")
DASHBOARD = {
    "title": "Canary",
    "panels": [
        {"type": "timeseries", "title": "Error rate"},
        {"type": "row", "title": "More", "panels": [{"type": "stat", "title": "Traffic split"}]},
    ],
}


def asked(folder: Path, given: Given | None = None, **probe: Any) -> Finding:
    """Ask one probe."""
    checks = ChecksModel.model_validate({**OFF, "probes": [{"name": "it", **probe}]})
    scene = Scene(folder, "v0.2.0", SystemClock())
    whole = suite(scene, checks, given or nobody())
    return list(whole.run())[-1]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    pages = {
        "/health": (200, '{"status": "ok", "db": {"up": true}, "nodes": [{"n": 1}]}'),
        "/old": (301, ""),
        "/broken": (500, "Traceback: \x1b[2J database is locked"),
        "/text": (200, "all is well"),
        "/grafana": (200, json.dumps({"dashboard": DASHBOARD, "meta": {}})),
        "/empty": (200, json.dumps({"dashboard": {"title": "x"}})),
        "/private": (200, "in"),
    }
    with serving(pages) as url:
        yield url


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/health", {}),
        ("/health", {"status": 200, "json": {"status": "ok", "db.up": True, "nodes.0.n": 1}}),
        ("/old", {"status": 301}),
        ("/text", {"contains": "is well"}),
        ("/private", {"headers": {"Authorization": "Bearer of-the-shop"}}),
    ],
)
def test_a_page_that_answers_as_it_should(
    site: str, tmp_path: Path, path: str, more: dict[str, Any]
) -> None:
    assert asked(tmp_path, http=f"{site}{path}", **more).status is Status.PASS


@pytest.mark.parametrize(
    ("path", "more", "reason"),
    [
        ("/none", {}, "answers 404, not 2xx; it says 'no such page'"),
        ("/old", {}, "answers 301, not 2xx"),
        ("/broken", {}, "answers 500, not 2xx; it says 'Traceback: ?[2J database is locked'"),
        ("/health", {"status": 204}, "answers 200, not 204"),
        ("/health", {"json": {"status": "fine"}}, 'answers status = "ok", not "fine"'),
        ("/health", {"json": {"db.up": 1}}, "answers db.up = true, not 1"),
        ("/health", {"json": {"db.down": 1}}, "answers without db.down"),
        ("/health", {"json": {"nodes.7.n": 1}}, "answers without nodes.7.n"),
        ("/text", {"json": {"status": "ok"}}, "answers no JSON"),
        ("/text", {"contains": "burns"}, "answers without 'burns'"),
        ("/private", {}, "answers 401, not 2xx"),
    ],
)
def test_a_page_that_does_not(
    site: str, tmp_path: Path, path: str, more: dict[str, Any], reason: str
) -> None:
    found = asked(tmp_path, http=f"{site}{path}", **more)
    assert found.status is Status.FAIL
    assert reason in found.reason
    assert "curl -i" in found.mend


def test_nobody_listens(tmp_path: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    for key, where in (("http", f"http://127.0.0.1:{port}/"), ("tcp", f"127.0.0.1:{port}")):
        probe: dict[str, Any] = {key: where}
        found = asked(tmp_path, **probe)
        assert found.status is Status.FAIL
        assert "refused" in found.reason
        assert found.mend


def test_a_port_that_accepts_and_a_server_that_says_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert asked(tmp_path, tcp=address).status is Status.PASS
        found = asked(tmp_path, http=f"http://{address}/", timeout="200ms")
        assert found.status is Status.FAIL
        assert "no answer within 0.2 s" in found.reason


def test_what_a_url_holds_is_not_said(site: str, tmp_path: Path) -> None:
    url = site.replace("http://", "http://ann:hunter22@") + "/none?key=abcdefgh"
    found = asked(tmp_path, http=url)
    assert found.status is Status.FAIL
    assert "hunter22" not in found.reason + found.mend
    assert "abcdefgh" not in found.reason + found.mend


def test_programs(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("")
    assert asked(tmp_path, command=["ls", "here"]).reason == "here"
    found = asked(tmp_path, command=["sh", "-c", "echo two tests failed >&2; exit 3"])
    assert found.status is Status.FAIL
    assert found.reason == "sh ended with 3: two tests failed"
    assert asked(tmp_path, command=["sh", "-c", "kill -9 $$"]).reason == "sh was ended by signal 9"
    late = asked(tmp_path, command=["sleep", "600"], timeout="100ms")
    assert late.reason == "sleep did not end within 0.1 s"
    assert "cannot be started" in asked(tmp_path, command=["no-such-program"]).reason


def test_a_program_that_prints_a_secret_does_not_show_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DB_PASSWORD=k7-of-the-shop\nURL=redis://:r9-of-it@cache\n")
    command = ["sh", "-c", "cat .env | tr '\\n' ' '; exit 1"]
    found = asked(tmp_path, command=command)
    assert found.reason == "sh ended with 1: DB_PASSWORD=*** URL=redis://:***@cache"


def test_a_mild_probe_warns(tmp_path: Path) -> None:
    for command in (["false"], ["no-such-program"]):
        assert asked(tmp_path, command=command, severity="warn").status is Status.WARN
    assert asked(tmp_path, command=["true"], severity="warn").status is Status.PASS


def test_a_dashboard_as_grafana_gives_it_and_as_a_file(site: str, tmp_path: Path) -> None:
    (tmp_path / "board.json").write_text(json.dumps(DASHBOARD))
    for where in (f"{site}/grafana", "board.json"):
        found = asked(tmp_path, dashboard=where, panels=["traffic split", "Error rate"])
        assert found.status is Status.PASS, found.reason
        assert "2 panels" in found.reason
        lacking = asked(tmp_path, dashboard=where, panels=["Error rate", "More"])
        assert lacking.status is Status.FAIL
        assert "lacks the panel More" in lacking.reason


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("{site}/none", "answers 404"),
        ("{site}/text", "is not JSON"),
        ("{site}/empty", "has no panels"),
        ("none.json", "is not there"),
        ("list.json", "has no panels"),
    ],
)
def test_a_dashboard_that_is_none(site: str, tmp_path: Path, where: str, reason: str) -> None:
    (tmp_path / "list.json").write_text('[{"panels": [1, {"title": 2}]}]')
    found = asked(tmp_path, dashboard=where.format(site=site))
    assert found.status is Status.FAIL
    assert reason in found.reason
    assert found.mend


def in_force(weight: int | None) -> Given:
    known = None if weight is None else Weight(weight * 100)
    generation = None if weight is None else "3-abc"
    seen = InForce(generation, known, None, None, "nobody answers")
    return Given(nothing_there, lambda: seen, nothing_there)


def test_the_weight_in_force(tmp_path: Path) -> None:
    assert asked(tmp_path, in_force(0), weights=0).status is Status.PASS
    found = asked(tmp_path, in_force(5), weights=0)
    assert found.status is Status.FAIL
    assert found.reason == "canary 5 % in force (generation 3-abc), not 0 %"
    assert "canaryctl weights set 0" in found.mend
    assert "nobody answers" in asked(tmp_path, in_force(None), weights=0).reason


def test_a_gateway_that_cannot_be_reached(tmp_path: Path) -> None:
    def gone() -> InForce:
        raise HostError("no Docker Engine", next_step="start it")

    found = asked(tmp_path, Given(nothing_there, gone, nothing_there), weights=0)
    assert (found.status, found.reason, found.mend) == (
        Status.FAIL,
        "no Docker Engine",
        "start it",
    )


def _same(said: Said) -> Said:
    return said


def test_alerts_are_tested_by_whoever_sends_them(tmp_path: Path) -> None:
    for said in (passed("2 channels"), failed("slack answers 404", "mend its URL")):
        given = Given(nothing_there, nothing_there, partial(_same, said))
        assert asked(tmp_path, given, notify=True).reason == said.reason


@pytest.mark.prometheus
@pytest.mark.skipif(prometheus_binary() is None, reason="needs prometheus")
def test_prometheus_scrapes_its_targets(tmp_path: Path, free_port: Callable[[], int]) -> None:
    dead = f"127.0.0.1:{free_port()}"
    (tmp_path / "p").mkdir()
    with serving({"/metrics": (200, "x 1\n")}) as url:
        targets = {"live": [url.removeprefix("http://")], "half": [url[7:], dead]}
        with prometheus(targets, tmp_path / "p", interval="200ms") as server:
            clock = SystemClock()
            metrics = PrometheusMetrics(server, {}, clock)
            given = Given(lambda: metrics, nothing_there, nothing_there)
            until = clock.now() + 20
            found = asked(tmp_path, given, prometheus={"job": "live"})
            while found.status is not Status.PASS and clock.now() < until:
                clock.sleep(0.2)
                found = asked(tmp_path, given, prometheus={"job": "live"})
            assert found.reason == '1 target up: up{job="live"}'
            half = asked(tmp_path, given, prometheus={"job": "half"})
            while "of 2" not in half.reason and clock.now() < until:
                clock.sleep(0.2)
                half = asked(tmp_path, given, prometheus={"job": "half"})
            assert half.status is Status.FAIL
            assert half.reason == '1 of 2 targets are not up: up{job="half"}'
            hostile = asked(tmp_path, given, prometheus={"job": '"} or vector(1) #'})
            assert hostile.status is Status.FAIL
            assert "knows no target" in hostile.reason
        gone = asked(tmp_path, given, prometheus={"job": "live"}, timeout=1)
        metrics.close()
    assert gone.status is Status.FAIL
    assert "Prometheus at" in gone.reason


def test_a_name_that_nobody_can_look_up_fails_its_probe(tmp_path: Path) -> None:
    where = "db..internal:5432"
    for found in (asked(tmp_path, tcp=where), asked(tmp_path, http=f"http://{where}/health")):
        assert found.status is Status.FAIL
        assert where in found.reason
        assert "its name cannot be looked up: a part of it is empty" in found.reason
