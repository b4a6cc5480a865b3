"""``breaker:`` in canary.yaml."""

from __future__ import annotations

import pytest
import yaml
from jsonschema import Draft202012Validator

from canaryctl.cli.config_schema import schema
from canaryctl.cli.config_text import as_yaml
from canaryctl.config import loads
from canaryctl.core.breaker import BreakerPolicy
from canaryctl.core.errors import ConfigError
from canaryctl.core.weight import Weight

BLIND = """\
service: shop
versions:
  stable: {address: "127.0.0.1:8000"}
  canary: {address: "127.0.0.1:8001"}
gateway:
  driver: local
  config: /etc/nginx/conf.d/canaryctl-upstream.conf
"""
SEEING = f"{BLIND}  attempts: /var/log/nginx/canaryctl-attempts.log\n"


def test_it_is_off_unless_it_is_asked_for() -> None:
    assert loads(BLIND).breaker_policy() is None
    assert loads(SEEING).breaker_policy() is None


@pytest.mark.parametrize("on", ["on", "'on'", "true", "{}"])
def test_it_can_be_turned_on(on: str) -> None:
    assert loads(f"{SEEING}breaker: {on}\n").breaker_policy() == BreakerPolicy()


@pytest.mark.parametrize("off", ["off", "'off'", "false", "${SWITCH}"])
def test_it_can_be_turned_off(off: str) -> None:
    for text in (BLIND, SEEING):
        config = loads(f"{text}breaker: {off}\n", environment={"SWITCH": "off"})
        assert config.breaker_policy() is None
        assert loads(as_yaml(config)) == config


def test_every_key_reaches_the_policy() -> None:
    text = (
        f"{SEEING}breaker: {{failures: 10, open_for: 90s, weight: 0.29%, probes: 3,"
        " half_open_for: 5m, openings: 0}\n"
    )
    config = loads(text)
    assert config.breaker_policy() == BreakerPolicy(10, 90.0, 3, Weight(29), 0, 300.0)
    assert loads(as_yaml(config)) == config
    assert not list(Draft202012Validator(schema()).iter_errors(yaml.safe_load(text)))
    assert not list(Draft202012Validator(schema()).iter_errors(yaml.safe_load(as_yaml(config))))


@pytest.mark.parametrize(
    ("breaker", "said"),
    [
        ("{failures: 1}", r"canary.yaml:9: breaker.failures: .*greater than or equal to 2"),
        ("{failurs: 5}", r"breaker.failurs: unknown key \(did you mean 'failures'\?\)"),
        ("{open_for: 0}", "breaker.open_for: longer than 0 s"),
        ("{half_open_for: 1 parsec}", "breaker.half_open_for: a duration is written"),
        ("{weight: 0}", "breaker.weight: a weight above 0 %, such as 1"),
        ("{weight: 101}", "breaker.weight: a weight lies between 0 and 100 %"),
        ("{probes: 0}", "breaker.probes: .*greater than or equal to 1"),
        ("{openings: -1}", "breaker.openings: .*greater than or equal to 0"),
        ("of", "breaker is on, off, or has keys such as failures: 5, not 'of'"),
        ("[5]", r"breaker is on, off, or has keys such as failures: 5, not \[5\]"),
    ],
)
def test_each_mistake_is_told_and_marked(breaker: str, said: str) -> None:
    text = f"{SEEING}breaker: {breaker}\n"
    with pytest.raises(ConfigError, match=said):
        loads(text)
    assert list(Draft202012Validator(schema()).iter_errors(yaml.safe_load(text)))


def test_without_a_log_it_sees_nothing() -> None:
    with pytest.raises(
        ConfigError, match=r"log of attempts: set gateway.attempts, or breaker: off"
    ):
        loads(f"{BLIND}breaker: {{failures: 5}}\n")
