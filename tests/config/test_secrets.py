"""Which values of canary.yaml are secret, and that none stands in a message about the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel, SecretStr

from canaryctl.cli.config_text import as_yaml, shown
from canaryctl.config import loads
from canaryctl.config.model import Config
from canaryctl.config.secrets import is_secret, sorted_out
from canaryctl.core.errors import ConfigError
from canaryctl.core.redaction import SECRETS

SECRET = "hunter2hunter2"  # noqa: S105  what must never be shown
BASE = """
service: shop
versions: {stable: {address: "app:8000"}, canary: {address: "app-canary:8001"}}
gateway: {driver: docker, container: shop-nginx, config: /etc/nginx/conf.d/canaryctl.conf}
metrics: {provider: prometheus}
"""


def written(**metrics: Any) -> str:
    whole = yaml.safe_load(BASE)
    whole["metrics"] |= metrics
    return yaml.safe_dump(whole)


def models(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the path of every field that pydantic keeps secret."""
    for name, field in model.model_fields.items():
        seen = [field.annotation]
        while seen:
            kind = seen.pop()
            if kind is SecretStr:
                yield (*path, name)
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from models(kind, (*path, name))
            else:
                seen += get_args(kind)


def test_every_secret_of_the_model_is_known_by_its_place() -> None:
    found = set(models(Config))
    assert ("metrics", "bearer_token") in found
    for path in found:
        # Of headers each value is one, so it stands one level below.
        assert is_secret(path) or is_secret((*path, "X-Any")), path


@pytest.mark.parametrize(
    "metrics",
    [
        {"bearer_token": SECRET},
        {"headers": {"X-Key": SECRET}},
        {"headers": {"Authorization": f"Token {SECRET}"}},
        {"basic_auth": {"username": "ops", "password": SECRET}},
        {"url": f"http://ops:{SECRET}@127.0.0.1:9090"},
        {"url": f"https://{SECRET}@host.example"},
        {"url": f"https://host.example/?key={SECRET}"},
    ],
)
def test_it_is_masked_wherever_it_was_configured(metrics: dict[str, Any]) -> None:
    config = loads(written(**metrics))
    assert SECRET not in json.dumps(shown(config)) + as_yaml(config)
    assert SECRETS.hide(f"an error about {SECRET}.") == "an error about ***."


@pytest.mark.parametrize(
    ("key", "value", "name"),
    [
        ("bearer_token", "${X}", "X"),
        ("url", "https://host.example/${X}/api", "X"),
        ("url", "https://ops:${X}@host.example", "X"),
        ("select", {"stable": {"team": "${TEAM_TOKEN}"}}, "TEAM_TOKEN"),
    ],
)
def test_what_the_environment_gave_is_masked(key: str, value: Any, name: str) -> None:
    config = loads(written(**{key: value}), environment={name: SECRET})
    assert SECRET not in as_yaml(config)
    assert SECRETS.hide(f"GET /{SECRET}/x") == "GET /***/x"


def test_names_and_numbers_of_the_environment_are_said() -> None:
    text = BASE.replace("shop-nginx", "'${BOX}'").replace("app:8000", "${HOST_NAME}:${PORT}")
    given = {"BOX": "gateway-of-shop", "HOST_NAME": "backend.internal", "PORT": "18001"}
    config = loads(
        text.replace("provider: prometheus", "provider: prometheus, url: 'http://${AT}:9090'"),
        environment={**given, "AT": "metrics.internal"},
    )
    said = "gateway-of-shop backend.internal:18001 http://metrics.internal:9090"
    assert SECRETS.hide(said) == said
    assert "http://metrics.internal:9090" in as_yaml(config)


def test_a_query_from_the_environment_is_secret() -> None:
    filled = {"gates": [{"query": f"up{{t='{SECRET}'}}"}]}
    secret, _ = sorted_out(filled, {("gates", 0, "query"): [("X", SECRET)]})
    assert SECRET in secret


@pytest.mark.parametrize(
    "metrics",
    [
        {"url": f"ftp://ops:{SECRET}@host"},
        {"url": f"http://ops:{SECRET}@ho st"},
        {"url": f"http://ops:{SECRET * 60}@ho st"},  # cut in its middle
        {"bearer_tokn": SECRET, "headers": SECRET},
        {"basic_auth": f"ops:{SECRET}", "headers": {"X": SECRET}},
        {"headers": {"X": [SECRET]}},
    ],
)
def test_the_message_about_a_wrong_file_has_none(metrics: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(written(**metrics))
    assert SECRET not in str(caught.value)
    # Nor does its traceback: pydantic quotes what it read.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("value", ["http://a:b@127.0.0.1:9180", "http://tok@127.0.0.1:9180/x"])
def test_the_gateway_takes_no_login(value: str) -> None:
    with pytest.raises(ConfigError, match=r"gateway.*no user and password are sent"):
        loads(BASE.replace("driver: docker", f"driver: docker, verify: '{value}'"))


def test_tls_of_the_gateway_is_for_https() -> None:
    tls = "tls: {ca_file: ca.pem}"
    with pytest.raises(ConfigError, match="https://"):
        loads(BASE.replace("driver: docker", f"driver: docker, {tls}"))
    good = f"driver: docker, verify: 'https://gw.example:9180', {tls}"
    assert loads(BASE.replace("driver: docker", good)).gateway.tls is not None


@pytest.mark.parametrize("provider", ["prometheus", "scrape"])
def test_a_key_needs_its_certificate(provider: str) -> None:
    with pytest.raises(ConfigError, match="cert_file"):
        loads(written(provider=provider, key_file="key.pem"))
    assert loads(written(provider=provider, cert_file="both.pem")).metrics.cert_file == "both.pem"
