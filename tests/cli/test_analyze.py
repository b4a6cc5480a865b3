"""`canaryctl analyze` as a user starts it, on real metrics pages whose truth is known."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.exposition import Exposition
from tests.drivers.prometheus_server import prometheus, prometheus_binary

ROOT = Path(__file__).resolve().parents[2]
WITHIN = 20.0
CONFIG = """\
service: shop
versions:
  stable: {{address: "127.0.0.1:1"}}
  canary: {{address: "127.0.0.1:2"}}
gateway: {{driver: local, config: /nowhere/canaryctl.conf}}
plan: {{interval: 1s}}
metrics: {metrics}
gates:
  - {{name: errors, kind: ratio, bad: 'http_requests_total{{status=~"5.."}}',
     total: http_requests_total, max: {limit}}}
  - {{name: p95, kind: latency, metric: seconds, by: mode, max: 2s}}
"""


@dataclass(frozen=True)
class Service:
    """What a version has counted so far, of each of its two modes the same latencies."""

    ok: int = 0
    failed: int = 0
    quick: int = 0
    slow: int = 0
    cpu: float = 0.0
    memory: float | None = None

    def page(self) -> str:
        lines = [f'http_requests_total{{status="200"}} {self.ok}']
        if self.failed:
            lines.append(f'http_requests_total{{status="503"}} {self.failed}')
        for mode in ("fast", "deep"):
            for bound, count in (
                ("0.1", self.quick),
                ("1", self.quick + self.slow),
                ("+Inf", self.quick + self.slow),
            ):
                lines.append(f'seconds_bucket{{mode="{mode}",le="{bound}"}} {count}')
            lines.append(f'seconds_sum{{mode="{mode}"}} {self.quick * 0.05 + self.slow * 0.5}')
        if self.memory is not None:
            lines.append(f"process_resident_memory_bytes {self.memory}")
            lines.append(f"process_cpu_seconds_total {self.cpu}")
        return "\n".join([*lines, ""])


BEFORE = (
    Service(ok=500, failed=9, quick=200, slow=50, cpu=7.0, memory=1e8),
    Service(ok=9000, failed=9, quick=4000, slow=500),
)
GOOD = (
    Service(ok=899, failed=10, quick=380, slow=70, cpu=8.0, memory=2e8),
    Service(ok=12600, failed=9, quick=5620, slow=680),
)
BAD = (Service(ok=800, failed=109, quick=200, slow=250, cpu=8.0, memory=2e8), GOOD[1])


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < deadline, f"not within {WITHIN:g} s: {what}"
        time.sleep(0.02)


def show(pages: tuple[Exposition, Exposition], both: tuple[Service, Service]) -> None:
    """Put both versions' figures on their pages, and wait until they were looked at."""
    for page, service in zip(pages, both, strict=True):
        page.text = service.page()
    served = [page.served for page in pages]
    eventually(
        lambda: all(page.served >= n + 2 for page, n in zip(pages, served, strict=True)),
        "both pages are looked at again",
    )


@pytest.fixture
def pages() -> Iterator[tuple[Exposition, Exposition]]:
    with Exposition() as canary, Exposition() as stable:
        for page, service in zip((canary, stable), BEFORE, strict=True):
            page.text = service.page()
        yield canary, stable


@contextmanager
def analyze(config: Path, *flags: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "-m", "canaryctl"]
    process = subprocess.Popen(
        [*argv, "--config", str(config), "analyze", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=WITHIN)
    assert err == ""
    return process.returncode, out


def written(folder: Path, metrics: dict[str, Any], limit: str) -> Path:
    path = folder / "canary.yaml"
    path.write_text(CONFIG.format(metrics=json.dumps(metrics), limit=limit), encoding="utf-8")
    return path


def scraped(
    folder: Path,
    pages: tuple[Exposition, Exposition],
    after: tuple[Service, Service],
    *flags: str,
    limit: str = "5%",
) -> tuple[int, str]:
    """Watch the pages by `provider: scrape` while both versions count on."""
    canary, stable = pages
    metrics = {"provider": "scrape", "targets": {"stable": [stable.url], "canary": [canary.url]}}
    config = written(folder, metrics, limit)
    with analyze(config, "--window", "4s", *flags) as process:
        eventually(lambda: all(page.served for page in pages), "both pages are looked at")
        show(pages, after)
        return ended(process)


def assert_truth(found: dict[str, Any], *, seen: tuple[float, float]) -> None:
    """GOOD less BEFORE."""
    canary, stable, differences = found["canary"], found["stable"], found["differences"]
    assert (canary["requests"], canary["errors"]) == (400, 1)
    assert (stable["requests"], stable["errors"]) == (3600, 0)
    assert canary["error_rate"] == pytest.approx(0.0025)
    assert canary["success_rate"] == pytest.approx(0.9975)
    # 180 quick and 20 slow ones of each mode.
    assert canary["mean"] == pytest.approx((180 * 0.05 + 20 * 0.5) / 200)
    assert canary["p50"] == pytest.approx(0.1 * 200 / 360)
    assert canary["p95"] == pytest.approx(0.1 + 0.9 * 20 / 40)
    assert canary["by"]["mode"]["deep"]["observations"] == 200
    assert canary["by"]["mode"]["deep"]["p95"] == pytest.approx(canary["p95"])
    assert (stable["p95"], stable["p99"]) == pytest.approx((0.55, 0.91))
    assert seen[0] <= canary["seen"] <= seen[1]
    assert canary["throughput"] == pytest.approx(400 / canary["seen"])
    assert canary["memory"] == 2e8
    assert canary["cpu"] == pytest.approx(1.0 / canary["seen"], rel=0.05)
    assert (stable["memory"], stable["cpu"], differences["memory"]["value"]) == (None, None, None)
    assert differences["requests"]["value"] == -3200
    error = differences["error_rate"]
    assert error["value"] == pytest.approx(0.0025)
    assert error["low"] < error["value"] < error["high"]
    assert error["significant"] is False
    assert differences["by"]["mode"]["fast"]["p95"]["significant"] is False
    assert found["is_better"] is None
    assert found["significant_difference"] is False
    assert (found["health"], found["verdict"]) == ("healthy", "pass")
    assert found["recommendation"] == "promote", found["reason"]
    assert {one["gate"] for one in found["findings"]} == {"errors", "p95", "canary up"}


def test_scraped_pages_give_their_truth(
    tmp_path: Path, pages: tuple[Exposition, Exposition]
) -> None:
    began = time.monotonic()
    code, out = scraped(tmp_path, pages, GOOD, "--output", "json")
    took = time.monotonic() - began
    assert code == 0
    found = json.loads(out)
    assert 4 <= found["window"] <= took
    assert_truth(found, seen=(1.0, found["window"] + 1))
    assert found["from"] < found["to"]


def test_a_worse_canary_is_to_be_rolled_back(
    tmp_path: Path, pages: tuple[Exposition, Exposition]
) -> None:
    code, out = scraped(tmp_path, pages, BAD, "--output", "json")
    found = json.loads(out)
    assert (code, found["verdict"], found["recommendation"]) == (1, "fail", "rollback")
    assert found["health"] == "degraded"
    assert (found["is_better"], found["significant_difference"]) == (False, True)
    assert {"error_rate", "mean", "p50"} <= set(found["worse"])
    assert found["reason"].startswith("errors: 100 of 400 requests: 25 % is above its limit")


def test_the_text_shows_the_table_the_gates_and_what_to_do(
    tmp_path: Path, pages: tuple[Exposition, Exposition]
) -> None:
    code, out = scraped(tmp_path, pages, BAD)
    assert code == 1
    lines = out.splitlines()
    assert lines[0].startswith("canary against stable  ")
    rows = {line.split("  ")[0]: line.split() for line in lines}
    assert rows["requests"][1:] == ["400", "3,600", "-3,200"]
    assert rows["error rate"][2:7] == ["25", "%", "0", "%", "+25"]
    assert rows["error rate"][-1] == "*"
    assert any(line.startswith("├─ ✗ errors") for line in lines)
    assert "is better no" in lines
    assert lines[-1].startswith("do        rollback: errors: 100 of 400 requests")


@pytest.mark.parametrize("window", ["0", "999ms"])
def test_a_window_in_which_nothing_is_seen_is_refused(tmp_path: Path, window: str) -> None:
    config = written(tmp_path, {"provider": "prometheus", "url": "http://127.0.0.1:1"}, "5%")
    with analyze(config, "--window", window) as process:
        _, err = process.communicate(timeout=WITHIN)
    assert process.returncode == 2
    assert f"--window '{window}': at least 1 s" in err


def test_nobody_asks_anything(tmp_path: Path, pages: tuple[Exposition, Exposition]) -> None:
    code, out = scraped(tmp_path, pages, BEFORE, "--output", "json")
    found = json.loads(out)
    assert (code, found["verdict"]) == (4, "unsure")
    assert (found["health"], found["recommendation"]) == ("unknown", "hold")
    assert (found["is_better"], found["significant_difference"]) == (None, None)
    assert (found["canary"]["requests"], found["canary"]["p95"]) == (0, None)


@pytest.mark.prometheus
def test_prometheus_gives_the_same_truth(
    tmp_path: Path, pages: tuple[Exposition, Exposition]
) -> None:
    if prometheus_binary() is None:
        pytest.skip("no prometheus on PATH")
    canary, stable = pages
    targets = {"canary": [canary.address], "production": [stable.address]}
    with prometheus(targets, tmp_path) as url:
        show(pages, BEFORE)
        show(pages, GOOD)
        config = written(tmp_path, {"provider": "prometheus", "url": url}, "5%")
        with analyze(config, "--window", "1m", "--output", "json") as process:
            code, out = ended(process)
    assert code == 0, out
    found = json.loads(out)
    assert_truth(found, seen=(0.9, WITHIN))
    assert found["window"] == pytest.approx(60, abs=1)
