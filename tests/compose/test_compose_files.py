"""The two Compose files: valid in the Compose at hand, and every variable told of."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from canaryctl.config.load import load
from canaryctl.core.errors import HostError
from canaryctl.drivers.compose import compose_command
from canaryctl.resources import shipped

COMPOSE = Path(__file__).resolve().parents[2] / "compose"
FILES = ("docker-compose.production.yml", "docker-compose.canary.yml")
CONFIGURATION = "canary.yaml"
# Compose reads these by itself.
OF_COMPOSE = {"COMPOSE_PROJECT_NAME", "COMPOSE_FILE", "COMPOSE_PROFILES"}
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
PORTS = (
    *("HTTP_PORT", "CONTROL_PORT", "API_PORT", "CANARY_API_PORT", "PROMETHEUS_PORT"),
    *("GRAFANA_PORT", "FAULTS_PORT", "CANARY_FAULTS_PORT"),
)
MOVED = {name: str(40000 + number) for number, name in enumerate(PORTS)}


def told() -> dict[str, str]:
    """Read .env.example as Compose does."""
    lines = (COMPOSE / ".env.example").read_text().splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    assert all(sign for _, sign, _ in pairs)
    names = [name for name, _, _ in pairs]
    assert len(names) == len(set(names)), "a variable stands there twice"
    return {name: value for name, _, value in pairs}


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in strings(one)]
    return [value] if isinstance(value, str) else []


def used(name: str) -> dict[str, set[str]]:
    """Give the variables of a file, parsed, so without its comments, and their defaults."""
    found: dict[str, set[str]] = {}
    for text in strings(yaml.safe_load((COMPOSE / name).read_text())):
        left = VARIABLE.sub("", text)
        assert "$" not in left, f"{name}: {text!r} has a variable without a default"
        for variable, default in VARIABLE.findall(text):
            found.setdefault(variable, set()).add(default)
    return found


def config(tmp_path: Path, *arguments: str, **changes: str) -> dict[str, Any]:
    """Have the Compose at hand read both files, with .env.example and some changes."""
    try:
        command = compose_command()
    except HostError as error:
        pytest.skip(str(error))
    env_file = tmp_path / ".env"
    env_file.write_text("\n".join(f"{k}={v}" for k, v in (told() | changes).items()) + "\n")
    files = [part for name in FILES for part in ("--file", str(COMPOSE / name))]
    project = ("--project-directory", str(COMPOSE), "--env-file", str(env_file))
    done = subprocess.run(
        [*command, *project, *files, *arguments, "config"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARN" not in done.stderr.upper(), done.stderr
    parsed: dict[str, Any] = yaml.safe_load(done.stdout)
    return parsed


def host_port(published: Any) -> tuple[str, str]:
    """Give address and port of this machine; Compose v1 writes text, v2 a mapping."""
    if isinstance(published, Mapping):
        return str(published["host_ip"]), str(published["published"])
    address, port, _ = str(published).split(":")
    return address, port


def test_every_variable_in_the_example_is_used_and_every_used_one_is_there() -> None:
    everywhere = {name for file in (*FILES, CONFIGURATION) for name in used(file)}
    assert everywhere | OF_COMPOSE == set(told())


def test_the_example_has_the_defaults() -> None:
    example = told()
    for file in (*FILES, CONFIGURATION):
        for name, defaults in used(file).items():
            assert defaults == {example[name]}, f"{file}: {name}"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Both files with what .env.example says."""
    found: dict[str, Any] = config(tmp_path_factory.mktemp("config"))["services"]
    return found


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Both files with other ports, versions and replicas, and every profile."""
    profiles = ("--profile", "canary-workers", "--profile", "grafana")
    found: dict[str, Any] = config(
        tmp_path_factory.mktemp("changed"),
        *profiles,
        PRODUCTION_VERSION="v0.2.0",
        WORKER_LLM_CANARY_REPLICAS="3",
        WORKER_RL_CANARY_REPLICAS="2",
        **MOVED,
    )["services"]
    return found


def test_both_files_pass_in_the_compose_at_hand(services: dict[str, Any]) -> None:
    assert {"app", "app-canary", "nginx", "prometheus", "guard"} <= set(services)
    assert services["app"]["image"] == "fragrance-ai/app:v0.1.0"
    assert services["app-canary"]["image"] == "fragrance-ai/app:v0.2.0"
    assert services["app-canary"]["environment"]["USE_LLM_ENSEMBLE"] == "true"
    assert services["app-canary"]["environment"]["LLM_ENSEMBLE_MODELS"] == "qwen,mistral,llama"


def test_nginx_is_overridden_with_the_canary_configuration(services: dict[str, Any]) -> None:
    mounts = services["nginx"]["volumes"]
    sources = [one["source"] for one in mounts if one["target"] == "/etc/nginx/nginx.conf"]
    assert [Path(one).name for one in sources] == ["nginx.canary.conf"]


def test_promotion_is_production_with_the_canarys_image(changed: dict[str, Any]) -> None:
    assert changed["app"]["image"] == changed["app-canary"]["image"]


def test_the_workers_are_in_their_profile_as_many_as_the_environment_says(
    changed: dict[str, Any],
) -> None:
    for name, count in {"worker-llm-canary": 3, "worker-rl-canary": 2}.items():
        assert changed[name]["deploy"]["replicas"] == count
        assert changed[name]["image"] == changed["app-canary"]["image"]
        parsed = yaml.safe_load((COMPOSE / FILES[1]).read_text())["services"][name]
        assert parsed["profiles"] == ["canary-workers"]


def test_every_port_is_on_loopback_and_can_be_moved(changed: dict[str, Any]) -> None:
    published = [host_port(one) for each in changed.values() for one in each.get("ports", ())]
    assert {address for address, _ in published} == {"127.0.0.1"}
    assert {port for _, port in published} == set(MOVED.values())


def test_every_service_restarts_and_keeps_its_log_small() -> None:
    for file in FILES:
        for name, service in yaml.safe_load((COMPOSE / file).read_text())["services"].items():
            if "image" in service:
                assert service["restart"] == "unless-stopped", name
                assert service["logging"]["options"]["max-size"], name


def test_canary_yaml_is_for_this_stack() -> None:
    parsed = load(COMPOSE / CONFIGURATION, {})
    services: dict[str, Any] = {}
    for file in FILES:
        services |= yaml.safe_load((COMPOSE / file).read_text())["services"]
    assert parsed.deploy is not None
    assert parsed.deploy.files == FILES
    for side in (parsed.deploy.stable, parsed.deploy.canary):
        assert set(side.services) <= set(services)
        assert f"${{{side.variable}:-" in services[side.services[0]]["image"]
    assert parsed.gateway.service in services
    assert parsed.gateway.project == parsed.deploy.project == told()["COMPOSE_PROJECT_NAME"]


def test_a_password_of_whoever_runs_it_is_kept_out_of_the_wheel_and_of_git() -> None:
    root = COMPOSE.parent
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert "compose/.env" in wheel["targets"]["wheel"]["exclude"]
    assert "compose/.env" in (root / ".gitignore").read_text().splitlines()


def test_the_stack_is_in_the_wheel() -> None:
    for name in (*FILES, CONFIGURATION, ".env.example", "nginx/start"):
        assert shipped(f"compose/{name}").is_file()
