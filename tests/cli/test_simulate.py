"""``canaryctl simulate``: the same seed, the same table; bad flags; traffic that was measured."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from canaryctl.cli import simulate_measure
from canaryctl.cli.app import app
from canaryctl.core.errors import ConfigError

BASE = """\
service: shop
versions:
  stable: {{address: "127.0.0.1:{stable}"}}
  canary: {{address: "127.0.0.1:{canary}"}}
gateway:
  driver: local
  config: /etc/nginx/conf.d/canaryctl-upstream.conf
  attempts: /var/log/nginx/canaryctl-attempts.log
"""
COLUMNS = {
    *("event", "rule", "healthy", "special", "family", "rps", "runs", "back", "back_at_most"),
    *("inconclusive", "promoted", "hurt", "slow", "wald", "wald_multiple", "looks", "full_at"),
    *("lasted", "held", "reasons"),
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "canary.yaml"
    path.write_text(BASE.format(stable=1, canary=2))
    return path


def run(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(path), "simulate", *arguments])


def objects(path: Path, *arguments: str) -> list[dict[str, Any]]:
    ended = run(path, *arguments, "-o", "json")
    assert ended.exit_code == 0, ended.exception
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_the_table_is_the_same_on_one_process_and_on_two(home: Path) -> None:
    asked = ("--rps", "20", "--runs", "7", "--families", "errors 5 %,errors 50 %", "--seed", "3")
    one = run(home, *asked, "--jobs", "1")
    two = run(home, *asked, "--jobs", "2")
    other = run(home, *asked[:-1], "4", "--jobs", "1")
    assert one.exit_code == two.exit_code == 0
    assert one.stdout == two.stdout
    assert "14 rollouts on 2 processes" in two.stderr
    assert other.stdout != one.stdout


def test_a_row_does_not_depend_on_what_else_is_simulated(home: Path) -> None:
    asked = ("--rps", "20", "--runs", "3", "--jobs", "1", "--families")
    alone = objects(home, *asked, "errors 5 %")
    among = objects(home, *asked, "errors 10 %,errors 5 %")
    found = [one for one in among if one.get("family") == "errors 5 %"]
    assert found == [one for one in alone if one.get("family") == "errors 5 %"]


def test_json_is_a_stream_of_objects(home: Path) -> None:
    first, *rows, last = objects(
        home, "--rps", "20,200", "--runs", "2", "--families", "steady,errors 5 %", "--jobs", "1"
    )
    assert first["event"] == "simulation"
    assert first["stages"] == ["1", "5", "25", "100"]
    assert first["errors"] == pytest.approx(0.001)
    assert any("schema failures: not simulated" in note for note in first["notes"])
    assert [(row["family"], row["rps"]) for row in rows] == [
        ("steady", 20),
        ("errors 5 %", 20),
        ("steady", 200),
        ("errors 5 %", 200),
    ]
    assert all(set(row) == COLUMNS for row in rows)
    assert all(row["back"] == float("errors" in row["family"]) for row in rows)
    assert rows[1]["wald_multiple"] == pytest.approx(rows[1]["hurt"] / rows[1]["wald"])
    assert last["event"] == "summary"
    assert last["healthy"]["runs"] == 4
    assert last["healthy"]["thrown"] == 0
    assert [one["smallest"] for one in last["caught"]] == ["errors 5 %", "errors 5 %"]


def test_the_table_for_people(home: Path) -> None:
    ended = run(home, "--rps", "200", "--runs", "2", "--families", "steady,errors 5", "--jobs", "1")
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("plan 1, 5, 25, 100 %, 15 min each, looks every 10 s, risk 1 %")
    (row,) = [line for line in lines if line.startswith("errors 5 %")]
    assert "100.0 % (≤ 100.0 %)" in row
    assert row.endswith("error rate (2)")
    assert any(line.startswith("healthy: at most 78 % thrown back (0 in 2") for line in lines)
    assert lines[-1].startswith("200 requests/s: smallest defect always caught: errors 5 %")


def test_reading_limits_literally_is_worse_near_them(home: Path) -> None:
    """A fifth of the way below the limit, chance alone crosses a literal limit again and again."""
    literal = home.with_name("literal.yaml")
    literal.write_text(
        BASE.format(stable=1, canary=2)
        + """
gates:
  - {name: error rate, kind: ratio, bad: 'http_requests_total{status=~"5.."}',
     total: http_requests_total, max: 0.5%, judge: threshold, min_samples: 10}
"""
    )
    evidence = home.with_name("evidence.yaml")
    evidence.write_text(literal.read_text().replace(", judge: threshold, min_samples: 10", ""))
    asked = ("--rps", "20", "--runs", "6", "--families", "near the limit", "--jobs", "1")

    (literal_row,) = [one for one in objects(literal, *asked) if one["event"] == "row"]
    (evidence_row,) = [one for one in objects(evidence, *asked) if one["event"] == "row"]

    assert literal_row["back"] == 1
    assert literal_row["reasons"] == ["error rate: fail (6)"]
    assert evidence_row["back"] == 0


def test_compare_adds_the_other_tools(home: Path) -> None:
    found = objects(
        *(home, "--rps", "200", "--runs", "2", "--families", "errors 50 %", "--compare"),
        *("--jobs", "1"),
    )
    hurt = {one["rule"]: one["hurt"] for one in found if one["event"] == "row"}
    assert next(iter(hurt)) == "canaryctl"
    assert {"Flagger, threshold 5", "Argo, failureLimit 3", "Kayenta", "PipeCD"} < set(hurt)
    assert all(hurt["canaryctl"] < cost for rule, cost in hurt.items() if rule != "canaryctl")
    assert [one["rule"] for one in found if one["event"] == "summary"] == list(hurt)


def test_the_plan_may_be_another(home: Path) -> None:
    first, row, _ = objects(
        *(home, "--rps", "200", "--runs", "2", "--families", "steady", "--jobs", "1"),
        *("--stages", "10,100", "--observation-period", "4m", "--interval", "5s"),
        *("--history", "10m", "--errors", "0.05%"),
    )
    assert (first["stages"], first["observe"], first["interval"]) == (["10", "100"], 240, 5)
    assert (first["history"], first["errors"]) == (600, 0.0005)
    assert row["promoted"] == 1
    assert (row["full_at"], row["lasted"]) == (240, 480)


def test_evidence_may_end_stages_early(home: Path) -> None:
    asked = ("--rps", "200", "--runs", "2", "--families", "steady", "--jobs", "1")
    early = objects(home, *asked, "--advance", "evidence")[1]
    assert early["promoted"] == 1
    assert early["lasted"] < 1200


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--rps", "0"], "--rps '0': requests a second"),
        (["--rps", "20,often"], "--rps '20,often': requests a second"),
        (["--rps", "2", "--errors", "60%"], "--errors '60%': from 0 to 50 %"),
        (["--rps", "2", "--errors", "few"], "--errors 'few': a limit is written"),
        (["--rps", "2", "--families", "weather"], "--families 'weather': no family of traffic"),
        (["--rps", "2", "--families", ","], "--families ',': name at least one"),
        (["--rps", "2", "--families", "steady", "--all"], "--families 'steady' and --all"),
        (["--rps", "2", "--history", "-1"], "--history '-1': a duration is not negative"),
        (["--rps", "2", "--stages", "5,1"], "--stages '5,1': stages rise"),
        (["--rps", "2", "--interval", "0"], "--interval '0': longer than 0 s"),
    ],
)
def test_a_wrong_flag_is_named(home: Path, flags: list[str], said: str) -> None:
    ended = run(home, *flags)
    assert isinstance(ended.exception, ConfigError)
    assert ended.exception.exit_code == 2
    assert str(ended.exception).startswith(said)
    assert ended.stdout == ""


@pytest.mark.parametrize("flags", [["--runs", "0"], ["--jobs", "0"], ["--advance", "maybe"]])
def test_a_flag_out_of_range_is_refused(home: Path, flags: list[str]) -> None:
    ended = run(home, "--rps", "2", *flags)
    assert ended.exit_code == 2
    assert flags[0] in ended.stderr


class Service(ThreadingHTTPServer):
    """A /metrics page on which each scrape finds 200 more requests, two of them failed."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.scraped = 0
        self.steps = 1

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def page(self) -> str:
        self.scraped += self.steps
        count = 100 * self.scraped
        lines = [
            "# TYPE http_requests_total counter",
            f'http_requests_total{{status="200"}} {2 * count - 2 * self.scraped}',
            f'http_requests_total{{status="500"}} {2 * self.scraped}',
            "# TYPE http_request_duration_seconds histogram",
        ]
        for mode, fast, slow in (("fast", 0.5, 0.95), ("creative", 0.5, 0.95)):
            buckets = (("0.5", fast), ("1.0", slow), ("2.5", 1.0), ("+Inf", 1.0))
            lines += [
                f'http_request_duration_seconds_bucket{{mode="{mode}",le="{le}"}} '
                f"{int(count * part)}"
                for le, part in buckets
            ]
            lines.append(f'http_request_duration_seconds_count{{mode="{mode}"}} {count}')
            lines.append(f'http_request_duration_seconds_sum{{mode="{mode}"}} {0.6 * count}')
        return "\n".join(lines) + "\n"


class Page(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        body = self.server.page().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def services() -> Iterator[tuple[Service, Service]]:
    both = (Service(), Service())
    threads = [threading.Thread(target=one.serve_forever, args=(0.05,)) for one in both]
    for thread in threads:
        thread.start()
    yield both
    for one, thread in zip(both, threads, strict=True):
        one.shutdown()
        thread.join(10)
        one.server_close()


def test_traffic_is_measured_where_none_is_given(
    home: Path, services: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate_measure, "WATCHED", 2.0)
    stable, canary = services
    canary.steps = 0
    home.write_text(BASE.format(stable=stable.port, canary=canary.port))

    first, row, _ = objects(home, "--families", "errors 10 %", "--runs", "2", "--jobs", "1")

    assert first["errors"] == pytest.approx(0.01, rel=0.01)
    assert first["history"] == 0
    said = "\n".join(first["measured"])
    assert "requests/s over 2 s (http_requests_total)" in said
    assert "failed (error rate)" in said
    assert "http_request_duration_seconds by mode fast: p95 1 s, 50 % of it, spread 0.42" in said
    assert "balanced" not in said
    assert row["rps"] > 50


def test_no_traffic_to_measure_says_what_to_give(
    home: Path, services: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate_measure, "WATCHED", 1.0)
    for one in services:
        one.steps = 0
    home.write_text(BASE.format(stable=services[0].port, canary=services[1].port))

    ended = run(home, "--runs", "1")

    assert isinstance(ended.exception, ConfigError)
    assert "http_requests_total did not rise in the 1 s looked at" in str(ended.exception)
    assert "--rps 20" in ended.exception.next_step


def test_a_source_that_does_not_answer_says_what_to_give(home: Path) -> None:
    ended = run(home, "--runs", "1")
    assert isinstance(ended.exception, ConfigError)
    assert "cannot be measured from both versions' own /metrics" in str(ended.exception)
