"""canary.yaml: a configuration, or a message that says where; never anything else."""

# ruff: noqa: PT017  an error is one of two good ends, and held to what it promises

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

from canaryctl.config.load import loads
from canaryctl.config.model import Config
from canaryctl.core.errors import ConfigError
from canaryctl.core.redaction import SECRETS
from canaryctl.drivers.template import Abilities, Address, Routing
from tests.fuzz import dice as a
from tests.fuzz.target import Target, showable
from tests.fuzz.targets.nginx import check

_SECRET = "hunter2-hunter2"  # noqa: S105  looked for in messages
_ENVIRONMENT = {"API_TOKEN": _SECRET, "STAGES": "1,5,100", "EMPTY": "", "ODD": "a: [1]\n\x1b[2J"}
_BLOCK = """\
service: shop
versions:
  stable: {address: "app:8000"}
  canary: {address: ["10.0.0.2:8001", "[::1]:8001"]}
gateway:
  driver: docker
  container: web
  config: /etc/nginx/conf.d/up.conf
plan: {stages: "${STAGES}", observe: 15m, interval: 10s, warm_up: 60s}
metrics: &m
  provider: prometheus
  url: http://127.0.0.1:9090/${EMPTY:-x}
  bearer_token: ${API_TOKEN}
  select: {stable: {version: production}, canary: {version: canary}}
gates:
  - {name: e, kind: ratio, bad: 'x{status=~"5.."}', total: x, max: 0.5%}
  - {name: p, kind: latency, metric: d, quantile: 0.95, by: mode, max: {fast: 2.5s}}
  - {name: q, kind: promql, query: 'avg(q{ {{ select }} })', max: 100}
"""
_FLOW = (
    '{service: a, versions: {stable: {address: "a:1"}, canary: {address: "b:1"}}, gateway: '
    "{driver: local, config: /a/b, verify: http://127.0.0.1:9180}, metrics: {provider: scrape}}"
)
_PLAIN: dict[str, Any] = {
    "service": "shop",
    "versions": {"stable": {"address": "a:1"}, "canary": {"address": ["b:1"]}},
    "gateway": {"driver": "local", "config": "/a/b", "upstream": "u", "control": "9180"},
    "plan": {"stages": [1, "5%", 100], "observe": "15m", "extend_to": 3, "hold_for": 60},
    "metrics": {"provider": "scrape", "timeout": 2, "headers": {"x": "${API_TOKEN}"}},
    "gates": [{"name": "g", "kind": "gauge", "metric": "m", "max": 1, "max_ratio": 2}],
    "risk": "1%",
    "liveness": 3,
}
_YAML = (
    *(
        "!!int ''",
        "!!int '-'",
        "!!bool x",
        "!!float x",
        "!!timestamp x",
        "!!binary '!'",
        "!!null x",
    ),
    *("!!set {a, b}", "!!omap [a: 1]", "!!pairs [a: 1]", "!!str 1", "!!python/name:os.system x"),
    *("!!python/object/apply:os.system [id]", "!x y", "&m 1", "*m", "*none", "{<<: *m}", "&r [*r]"),
    *(
        "2024-13-45",
        "2024-01-01",
        "0x" + "f" * 4000,
        "9" * 400,
        "9" * 5000,
        "1e400",
        ".nan",
        "-.inf",
    ),
    *("1:99:99", "0b1", "0o17", "? [a]\n: b", "- a", "---", "...", "%YAML 9.9", "!!int '_'", "~"),
    *('"\\ud800"', '"\\0"', '"\\e[2J"', "|\n  a", "${API_TOKEN}", "$${x}", "${NONE}", "${ODD}"),
    *("${EMPTY}", "[1, 2]", "{a: b}", "'a\n\n b'", "{{ select }}", "[" * 60 + "]" * 60, "[" * 2000),
)
_BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}, *{chr(97 + n)}]\n"
    for n in range(20)
)
_NAME = "f.y"
"""The file's; too short to be taken for a secret that stands in the file, and masked."""
_PLACE = re.compile(r"f\.y:\d+: ")


def texts(dice: Random) -> None:
    """Any text is a configuration, or an error of one printable line for each problem."""
    _tried(dice, _text(dice))


def _text(dice: Random) -> str:
    chosen = dice.random()
    if chosen < 0.01:
        return _BOMB + _BLOCK
    if chosen < 0.03:
        return dice.choice(("a: ", "")) + a.deep(dice)
    if chosen < 0.45:
        return json.dumps(a.mutated_json(dice, _PLAIN), ensure_ascii=dice.random() < 0.5)
    source = dice.choice((_BLOCK, _FLOW, _FLOW))
    if dice.random() < 0.6:
        return _replaced(dice, source)
    return a.mutated(dice, source, 2)


def _replaced(dice: Random, source: str) -> str:
    """Put something special in the place of a word."""
    words = list(re.finditer(r"\"[^\"]*\"|'[^']*'|[A-Za-z0-9_.$%/-]+", source))
    for one in sorted(dice.sample(words, dice.randint(1, 2)), key=lambda m: -m.start()):
        special = dice.choice(_YAML) if dice.random() < 0.7 else json.dumps(a.text(dice))
        source = source[: one.start()] + special + source[one.end() :]
    return source


def _tried(dice: Random, text: str) -> None:
    try:
        config = loads(text, _NAME, _ENVIRONMENT)
    except ConfigError as error:
        for line in str(error).split("\n"):
            assert _PLACE.match(line), f"it does not say where: {line!r}"
            assert showable(line), line
            assert len(line) < 3_000
        assert _SECRET not in str(error)
        return
    finally:
        SECRETS.know(())
    assert isinstance(config, Config)
    assert config.core_plan().stages
    assert config.core_gates() is not None
    assert config.judgement().risk > 0
    _rendered(dice, config)


def _rendered(dice: Random, config: Config) -> None:
    gateway, versions = config.gateway, config.versions
    routing = Routing(
        gateway.upstream or config.service,
        tuple(map(Address, versions.stable.address)),
        tuple(map(Address, versions.canary.address)),
        gateway.control or "9180",
        gateway.keepalive,
    )
    can = Abilities(resolve=True, resolver=gateway.resolver or "")
    check(routing, can, "7-abc", dice)


TARGETS = (Target("canary.yaml", texts, share=2.4),)
