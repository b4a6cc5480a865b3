"""canary.yaml: the example of the design loads; each mistake is one clear message."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.config import load, loads
from canaryctl.config.load import find
from canaryctl.core.errors import ConfigError
from canaryctl.core.gate import LatencyGate, UpGate
from canaryctl.core.series import Version

EXAMPLE = """\
service: fragrance-ai
versions:
  stable: {address: "app:8000"}
  canary: {address: "app-canary:8001"}
gateway:
  driver: docker
  container: fragrance-ai-nginx
  config: /etc/nginx/conf.d/canaryctl-upstream.conf
  verify: http://127.0.0.1:9180
plan:
  stages: [1, 5, 25, 100]
  observe: 15m
  interval: 10s
metrics:
  provider: prometheus
  url: http://127.0.0.1:9090
  select:
    stable: {version: production}
    canary: {version: canary}
gates:
  - name: error rate
    kind: ratio
    bad: 'http_requests_total{status=~"5.."}'
    total: http_requests_total
    max: 0.5%
  - {name: queue, kind: promql, query: 'avg(queue_depth{ {{ select }} })', max: 100}
"""


def test_the_example_means_what_it_says() -> None:
    config = loads(EXAMPLE)
    plan = config.core_plan()
    assert [str(stage.weight) for stage in plan.stages] == ["1", "5", "25", "100"]
    assert plan.duration == 3600
    assert config.select()[Version.STABLE] == {"version": "production"}
    assert [gate.rule.name for gate in config.core_gates()] == ["error rate", "queue", "canary up"]
    assert config.core_gates()[0].rule.maximum == 0.005


def test_left_out_gates_are_the_missions_four_with_its_limits() -> None:
    config = loads(EXAMPLE[: EXAMPLE.index("gates:")])
    assert [gate.name for gate in config.gates] == [
        "error rate",
        "p95 latency",
        "schema failures",
        "training loss",
    ]
    latency = config.core_gates()[1]
    assert isinstance(latency, LatencyGate)
    assert latency.limits == {"fast": 2.5, "balanced": 3.2, "creative": 4.5}
    assert isinstance(config.core_gates()[-1], UpGate)


def test_liveness_can_be_turned_off() -> None:
    config = loads(EXAMPLE + "liveness: 0\n")
    assert not [gate for gate in config.core_gates() if isinstance(gate, UpGate)]


MISTAKES = [
    ("observe", "obsrve", r"canary.yaml:12: plan.obsrve: unknown key \(did you mean 'observe'\?\)"),
    ("[1, 5, 25, 100]", "[5, 1]", r"canary.yaml:11: plan.stages: stages rise: 1 does not come"),
    ("[1, 5, 25, 100]", "[101]", r"plan.stages: a weight lies between 0 and 100 %"),
    ("[1, 5, 25, 100]", "[]", r"plan.stages: at least one stage"),
    ("[1, 5, 25, 100]", "[0, 5]", r"plan.stages: stages begin above 0 %"),
    ("[1, 5, 25, 100]", "[0.001]", r"a weight goes down to 0.01 %"),
    ("[1, 5, 25, 100]", "[true]", r"a weight is a percentage"),
    ("15m", "-3", r"plan.observe: a duration is not negative"),
    ("15m", "0", r"plan.observe: longer than 0 s"),
    ("15m", "soon", r"plan.observe: a duration is written 900"),
    ("0.5%", "little", r"canary.yaml:25: gates\[0\].max: a limit is written"),
    ("0.5%", ".nan", r"gates\[0\].max: a limit is a finite number"),
    ("kind: ratio", "kind: rato", r"'rato' is none of .*did you mean 'ratio'"),
    ("    max: 0.5%\n", "", r"gates\[0\].*: it has no limit"),
    ("app:8000", "app;8000", r"versions.stable.address: an address is written host:port"),
    ("app:8000", "app:99999", r"an address is written host:port"),
    ("app-canary:8001", "app:8000", r"stable and canary share app:8000"),
    ("version: canary", "version: production", r"nothing tells them apart"),
    ("service: fragrance-ai", "service: 'a; b'", r"service: 'a; b' is not of the form"),
    ("service: fragrance-ai", "service: a\nhooks: {a: 1}", r"hooks: a list is expected"),
    ("service: fragrance-ai", "service: a\nchecks: 5", r"checks: a mapping is expected"),
    ("driver: docker", "driver: dokcer", r"'dokcer' is none of .*'docker'"),
    ("  container: fragrance-ai-nginx\n", "", r"gateway: name the NGINX container"),
    ("{{ select }}", "{{ slect }}", r"unknown placeholder \{\{ slect \}\}"),
    ("http_requests_total{status=~", "http_requests_total{status~", r"expected =, !=, =~ or !~"),
    ('"5.."', '"5(.."', r"bad pattern"),
    ("error rate", "queue", r"canary.yaml:\d\d: gates\[\d\].name: the name 'queue' is used twice"),
    ("prometheus\n", "scrape\n", r"metrics.(url|select)|promql, which needs provider: prometheus"),
    ("http://127.0.0.1:9090", "127.0.0.1:9090", r"metrics.url"),
    ("app:8000", "${NOT_SET}", r"canary.yaml:3: versions.stable.address: \$\{NOT_SET\} is not set"),
]


@pytest.mark.parametrize(("right", "wrong", "said"), MISTAKES, ids=[m[1] or m[0] for m in MISTAKES])
def test_a_mistake_names_its_key_and_line(right: str, wrong: str, said: str) -> None:
    assert right in EXAMPLE
    with pytest.raises(ConfigError, match=said) as caught:
        loads(EXAMPLE.replace(right, wrong, 1), "canary.yaml", {})
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "- a",
        "just text",
        "a: b: c",
        "\x00",
        "a: &a [*a]",
        "? [1]\n: 2",
        "!!python/object:os.system {}",
    ],
)
def test_garbage_is_refused_without_a_traceback(text: str) -> None:
    with pytest.raises(ConfigError):
        loads(text, "canary.yaml", {})


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="'service' stands twice"):
        loads(EXAMPLE + "service: other\n")


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(ConfigError):
        loads(text, "canary.yaml", {})


def test_the_environment_fills_values_in() -> None:
    text = EXAMPLE.replace("app:8000", "${HOST}:${PORT:-8000}")
    config = loads(text, "canary.yaml", {"HOST": "app"})
    assert config.versions.stable.address == ("app:8000",)
    with pytest.raises(ConfigError, match="HOST"):
        loads(text, "canary.yaml", {})
    literal = loads(EXAMPLE.replace("queue_depth", "queue_$$depth"), "canary.yaml", {})
    assert "queue_$depth" in literal.gates[1].query


def test_the_environment_cannot_change_the_shape() -> None:
    text = EXAMPLE.replace("fragrance-ai\n", "${NAME}\n", 1)
    with pytest.raises(ConfigError, match="service"):
        loads(text, "canary.yaml", {"NAME": "x\nliveness: 0"})


def test_secrets_are_not_shown() -> None:
    text = EXAMPLE.replace("  url:", "  bearer_token: s3cret\n  url:")
    assert "s3cret" not in repr(loads(text))
    bad = text.replace("9090", "9090\n  basic_auth: {username: a, password: hunter2}")
    with pytest.raises(ConfigError) as caught:
        loads(bad)
    assert "s3cret" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_file_is_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no configuration") as caught:
        find(None, {})
    assert "canaryctl init" in caught.value.next_step
    (tmp_path / "canary.yaml").write_text(EXAMPLE, encoding="utf-8")
    assert find(None, {}) == Path("canary.yaml")
    other = tmp_path / "other.yaml"
    with pytest.raises(ConfigError, match="CANARYCTL_CONFIG"):
        find(None, {"CANARYCTL_CONFIG": str(other)})
    other.write_text(EXAMPLE, encoding="utf-8")
    assert find(None, {"CANARYCTL_CONFIG": str(other)}) == other
    assert load(find(other, {})).service == "fragrance-ai"
