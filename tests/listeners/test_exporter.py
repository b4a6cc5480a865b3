"""What Prometheus reads of a rollout."""

from __future__ import annotations

import http.client
import math
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from canaryctl.core.drained import Drained
from canaryctl.core.events import (
    DrainEnded,
    MetricsSilent,
    Overtaken,
    TrafficUnproven,
    WeightRefused,
)
from canaryctl.core.gate import Scale
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from canaryctl.listeners.export_server import MOST_AT_ONCE
from canaryctl.listeners.exporter import Exporter
from canaryctl.ports import Mark
from tests.listeners.walk import BEGAN, Walk, errors, healthy, plan

MARK = Mark(release="v0.2.0", rollout="20261127-1", owner="me@here:1")
Labels = dict[str, str]


def get(exporter: Exporter, path: str = "/metrics", method: str = "GET") -> tuple[int, str]:
    assert exporter.port is not None
    connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def samples(exporter: Exporter, name: str) -> list[tuple[Labels, float]]:
    status, text = get(exporter)
    assert status == 200
    return [
        ({k: v for k, v in sample.labels.items() if k != "service"}, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]


def read(exporter: Exporter) -> None:
    """Read the page, and wait until it counts as read: that is after the answer was sent."""
    number = exporter._seen.number
    get(exporter)
    assert exporter._server is not None
    assert exporter._server.wait(number, 10)


def one(exporter: Exporter, name: str, **labels: str) -> float | None:
    found = [value for has, value in samples(exporter, name) if labels.items() <= has.items()]
    assert len(found) <= 1, f"{name}{labels}: {found}"
    return found[0] if found else None


def ones(exporter: Exporter, name: str, label: str) -> list[str]:
    """Give what a state set says: the values that are at 1."""
    found = samples(exporter, name)
    assert {value for _, value in found} <= {0.0, 1.0}
    return [has[label] for has, value in found if value == 1]


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    made = Exporter(("127.0.0.1", 0), "shop", MARK)
    yield made
    made.close()


def walk(exporter: Exporter, *weights: str) -> Walk:
    stages = weights or ("5", "100")
    return Walk([exporter], State(plan(*stages, observe=20.0)))


def test_before_the_first_event_there_is_an_empty_page(exporter: Exporter) -> None:
    assert get(exporter) == (200, "")


def test_a_rollout_under_way(exporter: Exporter) -> None:
    walk(exporter).begin().judge(*healthy(100))
    assert ones(exporter, "canaryctl_rollout_status", "status") == ["running"]
    assert ones(exporter, "canaryctl_rollout_phase", "phase") == ["observing"]
    assert one(exporter, "canaryctl_rollout_stage") == 1
    assert one(exporter, "canaryctl_rollout_stages") == 2
    assert one(exporter, "canaryctl_rollout_weight_ratio", version="canary") == 0.05
    assert one(exporter, "canaryctl_rollout_weight_ratio", version="stable") == 0.95
    info = {"rollout": "20261127-1", "release": "v0.2.0", "generation": "13-ab12"}
    assert samples(exporter, "canaryctl_rollout_info") == [(info, 1.0)]
    assert one(exporter, "canaryctl_evaluations_total") == 1
    assert one(exporter, "canaryctl_metrics_source_up") == 1
    assert one(exporter, "canaryctl_rollouts_total", outcome="succeeded") == 0


def test_what_each_gate_saw(exporter: Exporter) -> None:
    scaled = replace(errors(1, 100), scale=Scale(0.25, 0.0))
    walk(exporter).begin().judge(scaled, *healthy(100)[1:])
    at = {"gate": "error rate", "part": ""}
    assert one(exporter, "canaryctl_gate_value", **at, version="canary") == 0.01
    assert one(exporter, "canaryctl_gate_value", **at, version="stable") == 0.0008
    assert one(exporter, "canaryctl_gate_limit", **at) == 0.005
    assert one(exporter, "canaryctl_gate_samples", **at) == 100
    assert one(exporter, "canaryctl_gate_evidence_ratio", **at, towards="rollback") == 0.25
    assert one(exporter, "canaryctl_gate_status", **at, status="fail") == 1
    assert one(exporter, "canaryctl_gate_status", **at, status="pass") == 0
    slow = {"gate": "p95 latency", "part": "creative"}
    assert one(exporter, "canaryctl_gate_limit", **slow) == 4.5
    # No evidence is collected on this one: no sample, rather than a zero.
    assert one(exporter, "canaryctl_gate_evidence_ratio", **slow, towards="rollback") is None


def test_a_rollout_that_succeeded(exporter: Exporter) -> None:
    walk(exporter).begin().to_the_end()
    assert ones(exporter, "canaryctl_rollout_status", "status") == ["succeeded"]
    assert one(exporter, "canaryctl_rollouts_total", outcome="succeeded") == 1
    assert one(exporter, "canaryctl_rollout_weight_ratio", version="canary") == 1
    began = samples(exporter, "canaryctl_rollout_stage_start_timestamp_seconds")
    assert [labels for labels, _ in began] == [
        {"stage": "1", "weight": "5"},
        {"stage": "2", "weight": "100"},
    ]
    ended = samples(exporter, "canaryctl_rollout_end_timestamp_seconds")
    assert [labels for labels, _ in ended] == [
        {"outcome": "succeeded", "cause": "every stage passed"}
    ]
    times = [BEGAN, *(at for _, at in began), *(at for _, at in ended)]
    assert times == sorted(set(times))


def test_a_rollout_that_was_rolled_back(exporter: Exporter) -> None:
    waits = replace(plan("5", "100", observe=20.0), drain_within=60.0)
    stroll = Walk([exporter], State(waits)).begin()
    stroll.judge(errors(40, 100), *healthy(100)[1:]).prove()
    drained = Drained(workers=2, connections=3, requests=1.5, took=2.5)
    stroll.event(DrainEnded(stroll.now + 3, drained))
    assert stroll.state.phase is Phase.ENDED
    assert ones(exporter, "canaryctl_rollout_status", "status") == ["rolled_back"]
    assert one(exporter, "canaryctl_rollouts_total", outcome="rolled_back") == 1
    assert one(exporter, "canaryctl_rollout_weight_ratio", version="canary") == 0
    assert one(exporter, "canaryctl_time_to_zero_seconds", until="last_request") == 1.5
    assert one(exporter, "canaryctl_time_to_zero_seconds", until="last_worker") == 2.5
    labels, at = samples(exporter, "canaryctl_rollout_end_timestamp_seconds")[0]
    assert labels == {"outcome": "rolled_back", "cause": "gate failed"}
    assert at == stroll.now + 3


def test_proofs_and_what_was_not_proven(exporter: Exporter) -> None:
    stroll = walk(exporter).begin().judge(*healthy(100)).judge(*healthy(100))
    assert stroll.state.phase is Phase.SHIFTING
    stroll.event(WeightRefused(stroll.now, Weight.FULL, "nginx -t failed"))
    assert one(exporter, "canaryctl_proof_failures_total", kind="refused") == 1
    assert one(exporter, "canaryctl_proof_failures_total", kind="unproven") == 0
    assert one(exporter, "canaryctl_proof_seconds_count") == 2
    assert one(exporter, "canaryctl_proof_seconds_sum") == pytest.approx(0.38)
    assert one(exporter, "canaryctl_proof_seconds_bucket", le="0.1") == 0
    assert one(exporter, "canaryctl_proof_seconds_bucket", le="0.2") == 2
    assert one(exporter, "canaryctl_proof_seconds_bucket", le="+Inf") == 2


@pytest.mark.parametrize("end", ["unproven", "overtaken"])
def test_a_weight_that_is_not_known_or_not_ours_has_no_sample(exporter: Exporter, end: str) -> None:
    stroll = walk(exporter).begin()
    if end == "overtaken":
        stroll.event(Overtaken(stroll.now, Weight(5000), "ops@there: by hand"))
    else:
        stroll.judge(errors(40, 100), *healthy(100)[1:])
        while stroll.state.phase is not Phase.ENDED:
            stroll.event(TrafficUnproven(stroll.now, Weight.ZERO, "NGINX does not answer"))
        assert ones(exporter, "canaryctl_rollout_status", "status") == ["unknown"]
    assert samples(exporter, "canaryctl_rollout_weight_ratio") == []


def test_a_silent_source(exporter: Exporter) -> None:
    stroll = walk(exporter).begin()
    stroll.event(MetricsSilent(stroll.now + 5, "refused"))
    assert one(exporter, "canaryctl_metrics_source_up") == 0
    assert one(exporter, "canaryctl_last_event_timestamp_seconds") == stroll.now + 5


def test_the_page_is_prometheus_own_and_every_family_says_what_it_is(exporter: Exporter) -> None:
    walk(exporter).begin().to_the_end()
    for family in text_string_to_metric_families(get(exporter)[1]):
        assert family.name.startswith("canaryctl_")
        assert family.documentation.endswith("."), family.name
        assert not any(math.isnan(sample.value) for sample in family.samples), family.name
        assert all(sample.labels["service"] == "shop" for sample in family.samples), family.name


def test_only_its_page_can_be_asked_for(exporter: Exporter) -> None:
    walk(exporter).begin()
    assert get(exporter, "/")[0] == 404
    assert get(exporter, "/metrics?x=1")[0] == 200
    assert get(exporter, method="HEAD") == (200, "")
    assert get(exporter, method="POST")[0] == 501


def test_many_who_never_ask_do_not_stop_the_one_who_does(exporter: Exporter) -> None:
    walk(exporter).begin()
    assert exporter.port is not None
    silent = [
        socket.create_connection(("127.0.0.1", exporter.port), timeout=10)
        for _ in range(MOST_AT_ONCE - 1)
    ]
    try:
        assert get(exporter)[0] == 200
    finally:
        for each in silent:
            each.close()


def test_a_port_that_is_taken_is_said_and_the_rollout_goes_on(exporter: Exporter) -> None:
    said: list[str] = []
    assert exporter.port is not None
    second = Exporter(("127.0.0.1", exporter.port), "shop", MARK, linger=60, say=said.append)
    stroll = walk(second).begin().to_the_end()
    second.close()
    assert stroll.state.ending is not None
    assert stroll.state.ending.exit_code == 0
    assert len(said) == 1
    assert f"127.0.0.1:{exporter.port} cannot be listened on" in said[0]


def test_it_waits_for_the_outcome_to_be_read() -> None:
    said: list[str] = []
    made = Exporter(("127.0.0.1", 0), "shop", MARK, linger=60, say=said.append)
    stroll = walk(made).begin()
    read(made)
    stroll.to_the_end()
    port = made.port
    closing = threading.Thread(target=made.close)
    closing.start()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    assert 'canaryctl_rollouts_total{outcome="succeeded",service="shop"} 1.0' in text
    connection.close()
    closing.join(10)
    assert not closing.is_alive()
    assert said in ([], ["waiting up to 60 s for the outcome to be read from the metrics"])


@pytest.mark.parametrize("why", ["nobody reads", "asked to stop", "it has been read", "no linger"])
def test_it_does_not_wait_where_there_is_nothing_to_wait_for(why: str) -> None:
    said: list[str] = []
    linger = 0.0 if why == "no linger" else 60.0
    by = "Ctrl-C (SIGINT)" if why == "asked to stop" else None
    made = Exporter(
        ("127.0.0.1", 0), "shop", MARK, linger=linger, stopped=lambda: by, say=said.append
    )
    stroll = walk(made).begin()
    if why != "nobody reads":
        read(made)
    stroll.to_the_end()
    if why == "it has been read":
        read(made)
    made.close()
    made.close()
    assert said == []
    assert made.port is None
