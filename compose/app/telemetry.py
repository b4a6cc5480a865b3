# ruff: noqa: INP001 - a folder of one program, not a package
"""What the service says about itself: metric families, and two log lines."""

from __future__ import annotations

import json
import os
import random
import sys
import threading
from collections import deque
from collections.abc import Callable

# Read by prometheus_client when it is imported, in old and new releases alike; its
# `_created` series would double every family for nothing.
os.environ.setdefault("PROMETHEUS_DISABLE_CREATED_SERIES", "True")

from backing import Pool
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

# Seconds. Each mode's limit (2.5, 3.2, 4.5) is a bucket's edge, so that "p95 within the
# limit" is read off exactly; the fine ones below are where a healthy demo lies.
BUCKETS = (
    *(0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 1.5, 2.0, 2.5, 3.2, 4.5, 6.0, 10.0),
)
HEALTHY_LOSS = 0.8
LOSS_NOISE = 0.01
ACCURACY_OVER = 200
"""Briefs: accuracy is the share of the latest ones that matched their schema."""


class Telemetry:
    """The metric families of one version, in a registry of their own."""

    def __init__(self, version: str, rng: random.Random, loss_factor: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        self._version = version
        self._rng = rng
        self._loss = HEALTHY_LOSS
        self._loss_factor = loss_factor
        self._stdout = threading.Lock()
        self._requests = Counter(
            "http_requests_total",
            "Requests answered.",
            ("status", "version", "method", "path"),
            registry=self.registry,
        )
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Seconds from a request's last byte to its answer, for requests that have a mode.",
            ("version", "mode"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        # No child yet: as in most services the series is born with the first failure, at 1.
        self._schema_failures = Counter(
            "llm_brief_schema_failures_total",
            "LLM briefs that did not match their schema.",
            ("version",),
            registry=self.registry,
        )
        loss = Gauge(
            "rl_training_loss",
            "Loss of the latest policy update.",
            ("version",),
            registry=self.registry,
        )
        loss.labels(version).set_function(self.loss)
        self._valid: deque[bool] = deque(maxlen=ACCURACY_OVER)
        accuracy = Gauge(
            "model_accuracy_ratio",
            f"Share of the latest {ACCURACY_OVER} briefs that matched their schema, 0 to 1.",
            ("version",),
            registry=self.registry,
        )
        accuracy.labels(version).set_function(self.accuracy)
        self._cache = Counter(
            "cache_requests_total",
            "Looks into the cache.",
            ("version", "result"),
            registry=self.registry,
        )
        for result in ("hit", "miss"):
            self._cache.labels(version, result)
        # Memory and processor time of this process; Prometheus adds the version.
        ProcessCollector(registry=self.registry)

    def exposition(self) -> tuple[bytes, str]:
        """Give the text Prometheus scrapes, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def watches(self, pool: Pool) -> None:
        """Show a pool of connections from now on."""
        for name, said, value in (
            ("db_pool_connections_in_use", "Connections in use.", lambda: pool.in_use),
            ("db_pool_connections_max", "Connections that there are.", lambda: pool.size),
        ):
            gauge = Gauge(name, said, ("version",), registry=self.registry)
            gauge.labels(self._version).set_function(value)

    def cached(self, *, hit: bool) -> None:
        """Count a look into the cache."""
        self._cache.labels(self._version, "hit" if hit else "miss").inc()

    def accuracy(self) -> float:
        """Give the share of the latest briefs that matched their schema; 1 before the first."""
        latest = list(self._valid)
        return sum(latest) / len(latest) if latest else 1.0

    def loss(self) -> float:
        """Give the training loss as it is seen now, the fault's factor included."""
        return self._loss * self._loss_factor()

    def answered(self, *, status: int, method: str, path: str) -> None:
        """Count a request. ``path`` is a route, never what a client typed."""
        self._requests.labels(str(status), self._version, method, path).inc()

    def failed(self, *, status: int, method: str, path: str, reason: str) -> None:
        """Log a request that the service could not serve. ``path`` is a route."""
        self._log(
            "request_failed",
            level="error",
            message=f"{method} {path} answered {status}: {reason}",
        )

    def took(self, mode: str, seconds: float) -> None:
        """Record how long a request with a mode took."""
        self._duration.labels(self._version, mode).observe(seconds)

    def schema_failed(self) -> None:
        """Count a brief that did not match its schema."""
        self._schema_failures.labels(self._version).inc()

    def working(self, *, kind: str, release: str, models: str) -> None:
        """Log what a worker is, when it begins."""
        self._log("working", worker=kind, release=release, models=models)

    def brief_written(self, *, mode: str, algorithm: str, seconds: float, valid: bool) -> None:
        """Log an LLM brief."""
        self._valid.append(valid)
        self._log(
            "llm_brief",
            mode=mode,
            algorithm=algorithm,
            schema_valid=valid,
            elapsed_ms=round(seconds * 1000, 3),
        )

    def policy_updated(self, *, algorithm: str, reward: float) -> None:
        """Take one policy update: the loss moves a little and the update is logged."""
        self._loss = HEALTHY_LOSS * (1 + self._rng.uniform(-LOSS_NOISE, LOSS_NOISE))
        self._log(
            "rl_update",
            algo=algorithm,
            loss=round(self.loss(), 4),
            reward=reward,
            entropy=round(self._rng.uniform(1.1, 1.3), 4),
            clip_frac=round(self._rng.uniform(0.05, 0.15), 4),
        )

    def _log(self, event: str, **values: object) -> None:
        line = json.dumps({"event": event, "version": self._version, **values})
        with self._stdout:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
