"""What ``rollout --dry-run --deploy`` says: the deployment's steps, and if Compose agrees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from canaryctl.core.errors import ConfigError, HostError
from canaryctl.quantities import spelled

if TYPE_CHECKING:
    from pathlib import Path

    from canaryctl.config.deploy import DeployModel
    from canaryctl.deploying.side import Side
    from canaryctl.wiring import Build

COMPOSE = "Compose"


def deployment(build: Build, release: str) -> dict[str, Any]:
    """Give the deployment's steps, in their order; nothing is started.

    Raises:
        ConfigError: canary.yaml has no ``deploy:``.
    """
    deploy = _of(build)
    canary, warm_up = deploy.canary, deploy.warm_up
    names = ", ".join(canary.services)
    within = spelled(deploy.healthy_within)
    tested = ["smoke test: the suite has to pass"] if deploy.smoke_test else []
    return {
        "project": deploy.project or build.config.service,
        "services": list(canary.services),
        "steps": [
            "gateway: NGINX has to answer 0 % canary",
            f"start: {canary.variable}={release} into {deploy.env_file}, then `up -d` of {names}",
            f"healthy: within {within}, with 2xx from {warm_up.path}",
            f"version: it has to be {release}",
            f"warm-up: {warm_up.requests} requests to {warm_up.path}",
            *tested,
            f"if it goes back: logs into {deploy.logs}/<rollout id>, {names} stopped",
        ],
    }


def deploy_checks(build: Build, release: str) -> Iterator[dict[str, Any]]:
    """Read the smoke suite, and hold the deployment against the Compose that is here.

    Without a Compose that is said, and passes.
    """
    deploy = _of(build)
    if deploy.smoke_test:
        yield _suite(build)
    yield _compose(build, deploy, release)


def _suite(build: Build) -> dict[str, Any]:
    from canaryctl.smoke.configured import suite_file
    from canaryctl.smoke.load import load_suite

    try:
        suite = load_suite(suite_file(build.config, build.base))
    except ConfigError as error:
        return {"name": "smoke suite", "passed": False, "detail": str(error)}
    said = f"{suite.name}: {len(suite.steps)} steps"
    return {"name": "smoke suite", "passed": True, "detail": said}


def _compose(build: Build, deploy: DeployModel, release: str) -> dict[str, Any]:
    from canaryctl.deploying.side import sides

    try:
        side = sides(build.config, build.base, build.clock).canary
    except HostError as error:
        return {"name": COMPOSE, "passed": None, "detail": f"not reached from here: {error}"}
    if not side.env.path.exists():
        said = f"{deploy.env_file} is not here, so the files are not tried out"
        return {"name": COMPOSE, "passed": None, "detail": said}
    return {"name": COMPOSE, **_accepted(side, build.base, deploy, release)}


def _accepted(side: Side, base: Path, deploy: DeployModel, release: str) -> dict[str, Any]:
    try:
        listed = side.compose("config", "--services", env={side.variable: release}).split()
        there = {*listed, *_declared(base, deploy)}
    except HostError as error:
        return {"passed": False, "detail": str(error)}
    files = ", ".join(deploy.files)
    if missing := [one for one in side.services if one not in there]:
        said = f"deploy.canary.services: {', '.join(missing)} is in none of {files}"
        return {"passed": False, "detail": said}
    return {"passed": True, "detail": f"{files} accepted, with {', '.join(side.services)}"}


def _declared(base: Path, deploy: DeployModel) -> Iterator[str]:
    """Name the services of all profiles; Compose lists only those that are switched on."""
    from canaryctl.config.yaml_text import read

    for file in deploy.files:
        try:
            found, _ = read((base / file).read_text(encoding="utf-8"), file)
        except (OSError, UnicodeDecodeError, ConfigError):
            # Compose has accepted it: what only Compose understands is left to Compose.
            yield from deploy.canary.services
            return
        services = found.get("services")
        yield from map(str, services) if isinstance(services, dict) else ()


def _of(build: Build) -> DeployModel:
    deploy = build.config.deploy
    if deploy is None:
        from canaryctl.cli.deploying import nothing_to_deploy

        raise nothing_to_deploy()
    return deploy
