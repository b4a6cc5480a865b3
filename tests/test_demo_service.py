"""The demo's service, as it is started: one process, real HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from canaryctl.demo.processes import Child, free_ports
from canaryctl.drivers.clock import SystemClock

SERVICE = Path(__file__).parents[1] / "compose/app/service.py"
HEALTHY = {"errors": 0.0, "latency": 0.0, "schema": 0.0, "loss": 1.0, "down": False}


@dataclass(frozen=True)
class Running:
    child: Child
    port: int
    url: str
    admin: str

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path)

    def post(self, path: str, body: object = None) -> httpx.Response:
        return httpx.post(self.url + path, json={} if body is None else body)

    def fault(self, **values: object) -> dict[str, Any]:
        response = httpx.post(self.admin + "/faults", json=values)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def samples(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        families = text_string_to_metric_families(self.get("/metrics").text)
        return {
            frozenset(sample.labels.items()): sample.value
            for family in families
            for sample in family.samples
            if sample.name == name
        }

    def sample(self, name: str, **labels: str) -> float:
        return self.samples(name)[frozenset({"version": "canary", **labels}.items())]

    def log_lines(self, event: str) -> list[Mapping[str, Any]]:
        lines = map(json.loads, self.child.log.read_text().splitlines())
        return [line for line in lines if line["event"] == event]


@contextmanager
def running(log_dir: Path) -> Iterator[Running]:
    port, admin = free_ports(2)
    argv = [sys.executable, "-B", str(SERVICE), "--port", str(port), "--admin-port", str(admin)]
    argv += ["--version", "canary", "--release", "v0.2.0", "--seed", "7"]
    with Child("service", argv, log_dir=log_dir, clock=SystemClock()) as child:
        url = f"http://127.0.0.1:{port}"
        child.wait_for_url(f"{url}/metrics", within=15)
        yield Running(child, port, url, f"http://127.0.0.1:{admin}")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as started:
        yield started


def test_says_who_it_is(service: Running) -> None:
    assert service.get("/health").json() == {
        "status": "ok",
        "version": "canary",
        "release": "v0.2.0",
    }
    assert service.get("/").json()["version"] == "canary"


def test_the_missions_api(service: Running) -> None:
    dna = service.post("/dna/create")
    assert (dna.status_code, bool(dna.json()["dna_id"])) == (201, True)

    evolved = service.post("/evolve/options", {"mode": "creative", "algorithm": "PPO"})
    assert evolved.status_code == 200
    assert len({option["id"] for option in evolved.json()["options"]}) == 3

    experiment = evolved.json()["experiment_id"]
    accepted = service.post("/evolve/feedback", {"experiment_id": experiment, "rating": 4})
    assert (accepted.status_code, accepted.json()["status"]) == (202, "accepted")

    brief = service.log_lines("llm_brief")[0]
    assert (brief["mode"], brief["algorithm"]) == ("creative", "PPO")
    assert brief["elapsed_ms"] >= 10
    update = service.log_lines("rl_update")[0]
    assert {"algo", "loss", "reward", "entropy", "clip_frac"} <= set(update)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/evolve/options", {"mode": "slow"}, 400),
        ("/evolve/options", {"mode": ["fast"]}, 400),
        ("/evolve/options", {"algorithm": "DQN"}, 400),
        ("/evolve/options", ["fast"], 400),
        ("/evolve/feedback", {}, 400),
        ("/evolve/feedback", {"experiment_id": 5}, 400),
        ("/evolve/feedback", {"experiment_id": "exp-0123-4567"}, 404),
        ("/nowhere", {}, 404),
        ("/health", {}, 405),
    ],
)
def test_bad_input_is_named_and_counted(
    service: Running, path: str, body: object, status: int
) -> None:
    response = service.post(path, body)
    assert response.status_code == status
    assert response.json()["error"]
    route = "unknown" if path == "/nowhere" else path
    counted = service.sample("http_requests_total", status=str(status), method="POST", path=route)
    assert counted == 1


def test_what_is_not_json_and_what_is_too_long(service: Running) -> None:
    assert httpx.post(service.url + "/dna/create", content=b"{").status_code == 400
    assert httpx.post(service.url + "/dna/create", content=b" " * 70_000).status_code == 413
    assert service.get("/health").status_code == 200


def test_metric_families_and_their_labels(service: Running) -> None:
    for mode in ("fast", "balanced", "creative", "fast"):
        service.post("/evolve/options", {"mode": mode})
    service.get("/health")
    text = service.get("/metrics").text
    assert "_created" not in text
    assert service.sample("http_request_duration_seconds_count", mode="fast") == 2
    for edge in ("0.01", "2.5", "3.2", "4.5"):
        service.sample("http_request_duration_seconds_bucket", mode="fast", le=edge)
    assert service.sample("http_request_duration_seconds_bucket", mode="fast", le="2.5") == 2
    counted = service.samples("http_requests_total")
    # Scrapes are not counted: they would dilute the error rate of a canary with little traffic.
    assert sum(counted.values()) == 5
    assert service.sample("rl_training_loss") == pytest.approx(0.8, rel=0.02)


def test_one_connection_serves_many_requests(service: Running) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as connection:
        for _ in range(3):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_errors_are_exactly_the_share_asked_for(service: Running) -> None:
    service.fault(errors=0.05)
    with httpx.Client() as client:
        statuses = [client.post(service.url + "/dna/create").status_code for _ in range(200)]
    assert statuses.count(500) == 10
    assert statuses.count(201) == 190
    assert service.get("/health").status_code == 200
    counted = service.sample("http_requests_total", status="500", method="POST", path="/dna/create")
    assert counted == 10


def test_latency_is_added_to_the_api_and_not_to_health(service: Running) -> None:
    service.fault(latency=0.4)
    assert service.post("/evolve/options", {"mode": "fast"}).elapsed.total_seconds() >= 0.4
    assert service.post("/dna/create").elapsed.total_seconds() >= 0.4
    assert service.get("/health").elapsed.total_seconds() < 0.4
    assert service.sample("http_request_duration_seconds_sum", mode="fast") >= 0.4


def test_the_schema_counter_is_born_at_its_first_failure(service: Running) -> None:
    service.post("/evolve/options", {})
    assert service.samples("llm_brief_schema_failures_total") == {}
    service.fault(schema=0.5)
    assert service.samples("llm_brief_schema_failures_total") == {}
    for _ in range(3):
        assert service.post("/evolve/options", {}).status_code == 200
    assert service.sample("llm_brief_schema_failures_total") == 1
    assert [line["schema_valid"] for line in service.log_lines("llm_brief")].count(False) == 1


def test_the_loss_is_multiplied(service: Running) -> None:
    service.fault(loss=2.1)
    assert service.sample("rl_training_loss") == pytest.approx(0.8 * 2.1, rel=0.02)
    experiment = service.post("/evolve/options", {}).json()["experiment_id"]
    service.post("/evolve/feedback", {"experiment_id": experiment})
    assert service.log_lines("rl_update")[0]["loss"] == pytest.approx(0.8 * 2.1, rel=0.02)


def test_down_closes_the_port_and_up_keeps_the_counts(service: Running) -> None:
    service.post("/dna/create")
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(4096)
        assert service.fault(down=True)["down"] is True
        assert connection.recv(4096) == b""
    with pytest.raises(httpx.ConnectError):
        service.get("/health")
    assert httpx.get(service.admin + "/faults").json() == HEALTHY | {"down": True}

    assert httpx.delete(service.admin + "/faults").json() == HEALTHY
    assert service.get("/health").status_code == 200
    counted = service.sample("http_requests_total", status="201", method="POST", path="/dna/create")
    assert counted == 1


def test_faults_add_up_and_are_cleared_together(service: Running) -> None:
    service.fault(errors=0.5)
    assert service.fault(loss=3) == HEALTHY | {"errors": 0.5, "loss": 3.0}
    assert httpx.delete(service.admin + "/faults").json() == HEALTHY


@pytest.mark.parametrize(
    "body",
    [
        {"errors": 1.5},
        {"errors": -0.1},
        {"errors": True},
        {"latency": "3x"},
        {"latency": 1e9},
        {"down": 1},
        {"typo": 1},
        [1],
    ],
)
def test_a_fault_that_makes_no_sense_changes_nothing(service: Running, body: object) -> None:
    response = httpx.post(service.admin + "/faults", json=body)
    assert response.status_code == 400
    assert response.json()["error"]
    assert httpx.get(service.admin + "/faults").json() == HEALTHY


def test_the_switches_are_not_on_the_services_own_port(service: Running) -> None:
    assert service.post("/faults", {"errors": 1}).status_code == 404


def test_sigterm_ends_it_with_0(service: Running) -> None:
    os.kill(service.child.pid, 15)
    assert service.child.wait_for_end(within=10) == 0


def test_the_same_seed_gives_the_same_ids(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        made = first.post("/dna/create").json()["dna_id"]
    with running(tmp_path) as second:
        assert second.post("/dna/create").json()["dna_id"] == made


def _eventually(holds: Callable[[], bool], what: str) -> None:
    clock = SystemClock()
    deadline = clock.now() + 20
    while not holds():
        assert clock.now() < deadline, f"not in time: {what}"
        clock.sleep(0.02)


def test_told_to_end_it_answers_what_it_has_begun_and_what_still_comes(service: Running) -> None:
    service.get("/health")
    service.fault(latency=1.0)
    address = ("127.0.0.1", service.port)
    with socket.create_connection(address, timeout=30) as kept:
        kept.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")  # now it is an idle connection
        assert kept.recv(4096).startswith(b"HTTP/1.1 200")
        with socket.create_connection(address, timeout=30) as slow:
            slow.sendall(b"POST /dna/create HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            _eventually(lambda: service.sample("db_pool_connections_in_use") == 1, "it has begun")
            os.kill(service.child.pid, signal.SIGTERM)
            # Another one, on a connection of its own, and one on the idle connection.
            late = service.get("/health")
            kept.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert kept.recv(4096).startswith(b"HTTP/1.1 200")
            answer = b"".join(iter(lambda: slow.recv(4096), b""))
    assert late.status_code == 200
    assert answer.startswith(b"HTTP/1.1 201")
    assert b"Connection: close" in answer
    assert service.child.wait_for_end(within=30) == 0
