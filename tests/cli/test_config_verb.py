"""``canaryctl config check``, ``show`` and ``schema``."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from typer.testing import CliRunner, Result

from canaryctl.cli import config as verb
from canaryctl.cli.config_schema import schema
from canaryctl.cli.config_text import as_yaml, duration, percentage, shown
from canaryctl.cli.context import Context
from canaryctl.config import loads
from canaryctl.config.model import Config
from canaryctl.core.errors import ConfigError
from canaryctl.quantities import quantity, seconds

EXAMPLE = """\
service: fragrance-ai
versions:
  stable: {address: "app:8000"}
  canary: {address: "app-canary:8001"}
gateway:
  driver: docker                    # docker | local
  container: fragrance-ai-nginx
  config: /etc/nginx/conf.d/canaryctl-upstream.conf
  verify: http://127.0.0.1:9180
plan:
  stages: [1, 5, 25, 100]
  observe: 15m                      # 900, 90s, 15m
  interval: 10s
metrics:
  provider: prometheus              # prometheus | scrape
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
  - {name: p95 latency, kind: latency, metric: http_request_duration_seconds, quantile: 0.95,
     by: mode, max: {fast: 2.5s, balanced: 3.2s, creative: 4.5s}}
  - {name: schema failures, kind: zero, metric: llm_brief_schema_failures_total}
  - {name: training loss, kind: gauge, metric: rl_training_loss, max_ratio: 2}
  - {name: queue, kind: promql, query: 'avg(queue_depth{ {{ select }} })', max: 100, consecutive: 3}
"""
LOCAL = """\
service: shop
versions:
  stable: {address: ["127.0.0.1:8000", "[::1]:8002", "unix:/run/shop.sock"]}
  canary: {address: "127.0.0.1:8001"}
gateway: {driver: local, config: /etc/nginx/conf.d/canaryctl-upstream.conf}
plan: {stages: "0.5, 5 %, 100"}
"""


def run(path: Path, *arguments: str) -> Result:
    app = typer.Typer()
    verb.register(app)
    return CliRunner().invoke(app, ["config", *arguments], obj=Context(path))


@pytest.fixture
def example(tmp_path: Path) -> Path:
    path = tmp_path / "canary.yaml"
    path.write_text(EXAMPLE)
    return path


# --- check --------------------------------------------------------------------------------


def test_check_says_what_was_understood(example: Path) -> None:
    result = run(example, "check")

    assert result.exit_code == 0
    said = result.stdout
    assert said.startswith(f"{example} is OK\n")
    for expected in (
        "stable    app:8000",
        "canary    app-canary:8001",
        "container fragrance-ai-nginx",
        "1 % → 5 % → 25 % → 100 %",
        "15 min",
        "Prometheus at http://127.0.0.1:9090",
        "error rate: ratio, max 0.5%",
        "p95 latency: latency, max (fast 2.5s, balanced 3.2s, creative 4.5s)",
        "queue: promql, max 100, consecutive 3",
        "canary up: 3 failed scrapes",
    ):
        assert expected in said


def test_check_for_machines_is_one_object(example: Path) -> None:
    said = json.loads(run(example, "check", "--output", "json").stdout)
    assert said["ok"] is True
    assert said["file"] == str(example)
    assert said["config"]["plan"]["observe"] == "15m"


def test_check_says_which_channel_nothing_can_reach(example: Path) -> None:
    example.write_text(
        f"{EXAMPLE}notify:\n"
        "  - {name: team, to: 'json://127.0.0.1:9', severity: warning}\n"
        "  - {name: on-call, to: 'nosuch://127.0.0.1:9/sesame-open'}\n"
    )
    result = run(example, "check")
    assert result.exit_code == 0
    said = result.stdout.splitlines()
    assert any(line.endswith("team: every event, from warning on") for line in said)
    (lost,) = [line for line in said if "on-call" in line]
    assert "from info on · nothing will arrive: apprise does not know such a URL" in lost
    assert "sesame" not in result.output


def test_a_mistake_is_reported_with_its_line(example: Path) -> None:
    example.write_text(EXAMPLE.replace("observe: 15m", "observ: 15m"))
    result = run(example, "check")
    assert isinstance(result.exception, ConfigError)
    assert "canary.yaml:12: plan.observ: unknown key (did you mean 'observe'?)" in str(
        result.exception
    )
    assert result.stdout == ""


# --- show ---------------------------------------------------------------------------------


def test_show_fills_every_default_in_and_writes_as_people_do(tmp_path: Path) -> None:
    path = tmp_path / "canary.yaml"
    path.write_text(LOCAL)

    found = yaml.safe_load(run(path, "show").stdout)

    assert found["plan"] == {
        "stages": [0.5, 5, 100],
        "observe": "15m",
        "interval": "10s",
        "extend_to": 3,
        "gateway_lost_after": "30s",
        "advance": "time",
        "hold_for": "30m",
        "deadline": "24h",
        "on_inconclusive": "back",
    }
    assert found["metrics"] == {
        "provider": "scrape",
        "timeout": "2s",
        "lost_after": "10m",
        "headers": {},
        "path": "/metrics",
    }
    assert [gate["name"] for gate in found["gates"]] == [
        "error rate",
        "p95 latency",
        "schema failures",
        "training loss",
    ]
    assert found["gates"][0]["max"] == "0.5%"
    assert found["gates"][1]["max"] == {"fast": "2.5s", "balanced": "3.2s", "creative": "4.5s"}
    assert found["liveness"] == 3
    assert json.loads(run(path, "show", "-o", "json").stdout) == found


SECRETS = ("tok-en-1", "pass-word-2", "head-er-3", "url-pass-4", "user-5")


def test_show_and_check_mask_every_secret(tmp_path: Path) -> None:
    path = tmp_path / "canary.yaml"
    for login in (
        "bearer_token: tok-en-1",
        "basic_auth: {username: user-5, password: pass-word-2}",
    ):
        path.write_text(
            LOCAL
            + f"""
metrics:
  provider: prometheus
  url: "https://someone:url-pass-4@prometheus.example/api"
  headers: {{X-Scope: head-er-3}}
  {login}
"""
        )
        for arguments in (["show"], ["show", "-o", "json"], ["check"], ["check", "-o", "json"]):
            said = run(path, *arguments).stdout
            leaked = [secret for secret in SECRETS[:4] if secret in said]
            assert leaked == []
            assert "https://someone:***@prometheus.example/api" in said
    assert "password: '***'" in run(path, "show").stdout
    assert "X-Scope: '***'" in run(path, "show").stdout


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (900.0, "15m"),
        (90.0, "1m30s"),
        (5400.0, "1h30m"),
        (45.0, "45s"),
        (2.5, "2.5s"),
        (0.25, "250ms"),
        (86400.0, "24h"),
        (61.5, "61.5s"),
        (1e-12, 1e-12),
    ],
)
def test_durations_as_people_write_them(value: float, text: str | float) -> None:
    assert duration(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.005, "0.5%"), (0.07, "7%"), (1.0, "100%")])
def test_percentages_as_people_write_them(value: float, text: str) -> None:
    assert percentage(value) == text


@given(st.floats(min_value=1e-9, max_value=1e9))
def test_what_is_written_is_never_rounded(value: float) -> None:
    assert seconds(duration(value)) == value
    assert quantity(percentage(value)) == value


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TRICKY = st.one_of(WORDS, st.sampled_from(["$$", "${HOME}", "$${X:-y}", "a$", "yes", "1", "~", ""]))
TIMES = st.one_of(
    st.integers(1, 100_000), st.floats(min_value=0.001, max_value=1e6), st.just("1h30m")
)
NUMBERS = st.floats(-1e9, 1e9, allow_subnormal=False)
SELECTORS = st.sampled_from(["up", 'a_total{b="c$$d"}', "a_total{b=~'5..',c!=\"${X}\"}"])
LABELS = st.dictionaries(
    st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True), TRICKY, max_size=3
)


@st.composite
def gates(draw: st.DrawFn, name: str, *, promql: bool) -> dict[str, Any]:
    kind = draw(
        st.sampled_from(["ratio", "latency", "zero", "gauge", *(["promql"] if promql else [])])
    )
    gate: dict[str, Any] = {"name": name, "kind": kind}
    if draw(st.booleans()):
        gate |= {
            "consecutive": draw(st.integers(1, 9)),
            "severity": draw(st.sampled_from(["rollback", "warn"])),
            "on_no_data": draw(st.sampled_from(["hold", "fail", "pass"])),
            "min_samples": draw(st.integers(1, 1000)),
        }
    match kind:
        case "ratio":
            gate |= {"bad": draw(SELECTORS), "total": draw(SELECTORS), "max": draw(NUMBERS)}
        case "latency":
            by_label = st.dictionaries(TRICKY, st.floats(0, 100), min_size=1, max_size=3)
            gate |= {"metric": draw(SELECTORS), "quantile": draw(st.sampled_from([0.5, 0.95]))}
            if draw(st.booleans()):
                gate |= {"by": "mode", "max": draw(by_label)}
            else:
                gate |= {"max": draw(st.floats(0, 100))}
        case "zero":
            gate |= {"metric": draw(SELECTORS)}
        case "gauge":
            gate |= {"metric": draw(SELECTORS), "min": draw(NUMBERS)}
        case "promql":
            # A string in a query that does not end is refused, as is an unknown placeholder.
            text = draw(TRICKY).translate(str.maketrans("", "", "{'\"`#"))
            gate |= {"query": "1 + " + text, "max_ratio": 2.5}
    return gate


@st.composite
def configs(draw: st.DrawFn) -> Config:
    prometheus = draw(st.booleans())
    names = draw(st.lists(NAMES, max_size=4, unique=True))
    stages = draw(st.lists(st.integers(1, 10_000), min_size=1, max_size=5, unique=True))
    gateway: dict[str, Any] = {"config": "/etc/nginx/conf.d/c.conf"}
    if draw(st.booleans()):
        gateway |= {"driver": "docker", "container": draw(TRICKY.filter(bool)), "keepalive": 7}
    else:
        gateway |= {"driver": "local", "binary": draw(TRICKY), "control": "127.0.0.1:9180"}
    metrics: dict[str, Any] = {"provider": "prometheus" if prometheus else "scrape"}
    metrics |= {"timeout": draw(TIMES), "lost_after": draw(TIMES)}
    if draw(st.booleans()):
        metrics |= {"select": {"stable": {"v": "1"} | draw(LABELS), "canary": {"v": "2"}}}
    return Config.model_validate(
        {
            "service": draw(NAMES),
            "versions": {
                "stable": {"address": draw(st.sampled_from(["a:1", ["a:1", "[::1]:2"]]))},
                "canary": {"address": draw(st.sampled_from(["b:1", ["b:1", "unix:/c.sock"]]))},
            },
            "gateway": gateway,
            "plan": {
                "stages": [f"{one / 100:.2f}" for one in sorted(stages)],
                "observe": draw(TIMES),
                "interval": draw(TIMES),
                "extend_to": draw(st.floats(1, 100)),
                "hold_for": draw(TIMES),
                "advance": draw(st.sampled_from(["time", "evidence"])),
                "on_inconclusive": draw(st.sampled_from(["back", "advance"])),
                **draw(st.sampled_from([{}, {"warm_up": 0}, {"warm_up": "0.5ms"}])),
            },
            "metrics": metrics,
            "gates": [draw(gates(f"g{name}", promql=prometheus)) for name in names],
            "liveness": draw(st.integers(0, 5)),
            "judge": draw(st.sampled_from(["evidence", "threshold"])),
            "risk": draw(st.sampled_from(["1%", 0.05, "0.1%", 1 / 3])),
        }
    )


@settings(max_examples=200, deadline=None)
@given(configs())
def test_what_show_prints_is_the_same_configuration(config: Config) -> None:
    environment = {"HOME": "/somewhere", "X": "x"}
    assert loads(as_yaml(config), "shown", environment) == config
    assert yaml.safe_load(as_yaml(config)) == json.loads(json.dumps(shown(config)))


# --- schema -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    made = schema()
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def test_the_verb_prints_the_schema(example: Path) -> None:
    printed = run(example, "schema").stdout
    assert json.loads(printed) == schema()
    assert json.loads(printed)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(run(example, "schema", "-o", "json").stdout) == schema()


@pytest.mark.parametrize("text", [EXAMPLE, LOCAL])
def test_the_schema_takes_what_the_check_takes(validator: Draft202012Validator, text: str) -> None:
    loads(text)
    assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []


@settings(max_examples=100, deadline=None)
@given(configs())
def test_the_schema_takes_every_effective_configuration(config: Config) -> None:
    errors = Draft202012Validator(schema()).iter_errors(shown(config))
    assert [error.message for error in errors] == []


def test_the_schema_knows_the_environment(validator: Draft202012Validator) -> None:
    found = yaml.safe_load(EXAMPLE)
    found["service"] = "${SERVICE}"
    found["versions"]["stable"]["address"] = "${HOST:-app}:8000"
    found["plan"] |= {"observe": "${OBSERVE}", "stages": ["${FIRST}", 100]}
    found["liveness"] = "${LIVENESS:-3}"
    found["gates"][0]["max"] = "${LIMIT}"
    found["metrics"]["select"]["canary"] = {"version": "${RELEASE}", "shard": 2}
    assert [error.message for error in validator.iter_errors(found)] == []


MISTAKES: dict[str, tuple[str, Any]] = {
    "an unknown key": ("servise", "x"),
    "an unknown key further in": ("plan.observ", "15m"),
    "a service with a space": ("service", "my shop"),
    "an address without a port": ("versions.stable.address", "app"),
    "an address with port 0": ("versions.stable.address", "app:0"),
    "an address with port 65536": ("versions.stable.address", "app:65536"),
    "an address with a scheme": ("versions.stable.address", "http://app:8000"),
    "an address that is a number": ("versions.stable.address", 8000),
    "no address at all": ("versions.stable.address", []),
    "the same address twice": ("versions.stable.address", ["app:1", "app:1"]),
    "an unknown driver": ("gateway.driver", "swarm"),
    "two engines": ("gateway.docker_context", "default"),
    "a label that is none": ("metrics.select.canary", {"a-b": "c"}),
    "no place for the file": ("gateway.config", "conf.d/x.conf"),
    "a URL without a scheme": ("gateway.verify", "127.0.0.1:9180"),
    "container and service": ("gateway.service", "nginx"),
    "a stage of 0": ("plan.stages", [0, 100]),
    "a stage of 101": ("plan.stages", [1, 101]),
    "a stage of 101 %": ("plan.stages", ["101%"]),
    "a negative stage": ("plan.stages", [-1]),
    "a stage finer than 0.01": ("plan.stages", ["0.001"]),
    "no stage": ("plan.stages", []),
    "stages without a number": ("plan.stages", ""),
    "a negative duration": ("plan.observe", -1),
    "no duration": ("plan.observe", 0),
    "a duration of nothing": ("plan.observe", "0s"),
    "an unknown unit": ("plan.observe", "15 parsecs"),
    "a duration in words": ("plan.interval", "ten seconds"),
    "a stage that lasts shorter": ("plan.extend_to", 0.5),
    "an unknown provider": ("metrics.provider", "graphite"),
    "a header that is a list": ("metrics.headers", ["a"]),
    "two logins": ("metrics.bearer_token", "x"),
    "an unknown kind of gate": ("gates.0.kind", "rate"),
    "a gate without a name": ("gates.0.name", ""),
    "a limit in words": ("gates.0.max", "half a percent"),
    "a percentage of nothing": ("gates.0.max", "%"),
    "a limit for each label value of a ratio": ("gates.0.max", {"fast": 1}),
    "a selector that is not one": ("gates.0.bad", "sum(rate(x[5m]))"),
    "a selector with an open brace": ("gates.0.total", "x{"),
    "a quantile of 1": ("gates.1.quantile", 1),
    "limits for label values without the label": ("gates.1.by", None),
    "a lower limit of a latency": ("gates.1.min", "1s"),
    "a limit of a zero gate": ("gates.2.max", 1),
    "a gauge without a limit": ("gates.3.max_ratio", None),
    "a factor of 0": ("gates.3.max_ratio", 0),
    "consecutive 0": ("gates.4.consecutive", 0),
    "an unknown severity": ("gates.4.severity", "fatal"),
    "on_no_data: ignore": ("gates.4.on_no_data", "ignore"),
    "a negative liveness": ("liveness", -1),
    "PromQL without Prometheus": ("metrics", {"provider": "scrape"}),
    "no service": ("service", None),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_seen_by_schema_and_check(
    validator: Draft202012Validator, mistake: str
) -> None:
    found = copy.deepcopy(yaml.safe_load(EXAMPLE))
    if mistake == "two logins":
        found["metrics"]["basic_auth"] = {"username": "a", "password": "b"}
    if mistake == "two engines":
        found["gateway"]["docker_host"] = "unix:///run/docker.sock"
    key, value = MISTAKES[mistake]
    *path, last = key.split(".")
    place: Any = found
    for part in path:
        place = place[int(part)] if part.isdigit() else place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value

    assert list(validator.iter_errors(found)) != []
    with pytest.raises(ConfigError):
        loads(yaml.safe_dump(found))
