"""``gates: slo`` and the like: four names, each a list of gates that works with both providers."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from canaryctl.cli.config_schema import schema
from canaryctl.cli.config_text import as_yaml
from canaryctl.config import loads
from canaryctl.config.gate_sets import SETS
from canaryctl.config.model import Config
from canaryctl.core.errors import ConfigError
from canaryctl.core.gate import GaugeGate, Judging, LatencyGate, OnNoData, RatioGate

BASE = """\
service: shop
versions:
  stable: {address: "127.0.0.1:8000"}
  canary: {address: "127.0.0.1:8001"}
gateway: {driver: local, config: /etc/nginx/conf.d/canaryctl-upstream.conf}
"""


def config(gates: str, more: str = "") -> Config:
    found: Config = loads(f"{BASE}gates: {gates}\n{more}")
    return found


def gate(name: str, which: str) -> Any:
    return {one.rule.name: one for one in config(name).core_gates()}[which]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("provider", ["scrape", "prometheus"])
def test_each_set_works_with_each_provider(name: str, provider: str) -> None:
    found = config(name, f"metrics: {{provider: {provider}}}\n")
    assert found.gates == SETS[name]()
    assert len(found.core_gates()) == len(found.gates) + 1


def test_mission_is_what_applies_without_gates() -> None:
    assert config("mission") == loads(BASE)


def test_the_slos_limits() -> None:
    errors, availability = gate("slo", "error rate"), gate("slo", "availability")
    assert isinstance(errors, RatioGate)
    assert errors.rule.maximum == 0.005
    assert availability.rule.minimum == 0.9995
    assert gate("slo", "p95 latency").rule.maximum == 0.1
    memory = gate("slo", "memory")
    assert isinstance(memory, GaugeGate)
    assert memory.rule.max_ratio == 1.2
    assert errors.rule.judge is availability.rule.judge is Judging.EVIDENCE


def test_strict_is_read_literally_and_in_a_row_only_where_the_documents_say_so() -> None:
    gates = config("strict").core_gates()[:-1]
    assert {one.rule.judge for one in gates} == {Judging.THRESHOLD}
    assert {one.rule.name: one.rule.consecutive for one in gates} == {
        "error rate": 3,
        "p95 latency": 1,
        "memory": 1,
    }
    assert gate("strict", "error rate").rule.maximum == 0.01
    assert gate("strict", "p95 latency").rule.maximum == 0.2
    assert gate("strict", "memory").rule.maximum == 2e9


def test_relaxed_compares_latency_with_stable() -> None:
    latency = gate("relaxed", "p95 against stable")
    assert isinstance(latency, LatencyGate)
    assert (latency.rule.max_ratio, latency.rule.judge) == (2.0, Judging.THRESHOLD)
    assert (latency.rule.on_no_data, latency.rule.consecutive) == (OnNoData.PASS, 30)
    assert gate("relaxed", "error rate").rule.maximum == 0.05
    assert gate("relaxed", "success rate").rule.minimum == 0.95


@pytest.mark.parametrize("name", SETS)
def test_show_prints_gates_that_can_be_copied(name: str) -> None:
    text = as_yaml(config(name))
    assert isinstance(yaml.safe_load(text)["gates"], list)
    assert loads(text) == config(name)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("stric", "one of mission, slo, strict, relaxed, not 'stric' (did you mean 'strict'?)"),
        ("everything", "one of mission, slo, strict, relaxed, not 'everything'"),
    ],
)
def test_an_unknown_name_says_which_there_are(given: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(given)
    assert f"canary.yaml:6: gates: gates is a list, or {said}" in str(caught.value)
    assert caught.value.exit_code == 2


def test_editors_know_the_names() -> None:
    validator = Draft202012Validator(schema())

    def errors(gates: Any) -> list[str]:
        found = yaml.safe_load(BASE) | {"gates": gates}
        return [error.message for error in validator.iter_errors(found)]

    for name in SETS:
        assert errors(name) == []
    assert errors("${GATES:-slo}") == []
    assert errors("stric") != []
    assert errors([{"name": "queue", "kind": "promql", "query": "x", "max": 1}]) != []
