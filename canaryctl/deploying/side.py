"""One version's part of the Compose project, and what can be done with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from canaryctl.config.deploy import DeployModel
from canaryctl.config.model import Config
from canaryctl.core.errors import HostError
from canaryctl.core.redaction import SECRETS
from canaryctl.deploying.env_secrets import secrets_in
from canaryctl.deploying.told_version import told
from canaryctl.drivers.compose import ComposeProject, compose_command
from canaryctl.drivers.compose_containers import ComposeContainers, Container
from canaryctl.drivers.compose_engine import engine_environment
from canaryctl.drivers.compose_run import ComposeRuns
from canaryctl.drivers.env_file import EnvFile
from canaryctl.ports import Clock

Tick = Callable[[], object]
"""Called again and again while something takes long; something true: stop as soon as possible."""


@dataclass(frozen=True, slots=True)
class Side:
    """Stable's or the canary's services.

    Attributes:
        name: stable or canary.
        services: of Compose; the first one serves requests.
        variable: holds the version.
        env: the file that keeps it.
        compose: runs Compose.
        containers: looks at what it made.
    """

    name: str
    services: tuple[str, ...]
    variable: str
    env: EnvFile
    compose: ComposeRuns
    containers: ComposeContainers

    def look(self) -> tuple[Container, ...]:
        """Give its containers, the serving ones first.

        Raises:
            HostError: the engine does not answer.
        """
        return self.containers.look(self.services)

    def serving(self, found: Sequence[Container]) -> tuple[Container, ...]:
        """Give those of them that serve requests."""
        return tuple(one for one in found if one.service == self.services[0])

    def overridden(self, release: str) -> str:
        """Say when this process' own environment names another version; empty: it does not."""
        there = os.environ.get(self.variable)
        if there in (None, "", release):
            return ""
        return (
            f"your environment has {self.variable}={there}, which Compose takes before "
            f"{self.env.path.name}: unset it, or a later `up` by hand brings {there} back"
        )

    def up(self, release: str, tick: Tick) -> None:
        """Have Compose start the services at a release; nothing happens where they run already.

        The environment file is changed first: whoever runs Compose by hand after a death in
        between gets the same. Where Compose fails and nothing of the release is there, the file
        is as it was again.

        Raises:
            ConfigError: the environment file cannot be written.
            HostError: Compose failed; with the last lines of what it said.
        """
        before = self.env.now()
        self.env.keep(self.variable, release)
        env = {self.variable: release}  # a variable of the shell counts more than the file
        try:
            self.compose("up", "-d", "--no-deps", *self.services, env=env, tick=tick)
        except HostError:
            if not any(told(one, release).right for one in self.look()):
                self.env.put_back(before, self.variable, release)
            raise

    def stop(self, tick: Tick) -> None:
        """Have Compose stop the services; the containers stay, to be looked at.

        Raises:
            HostError: Compose failed.
        """
        self.compose("stop", *self.services, tick=tick)

    def remove(self, tick: Tick) -> None:
        """Have Compose stop and remove the services' containers; none there is fine.

        Raises:
            HostError: Compose failed.
        """
        self.compose("rm", "--stop", "--force", *self.services, tick=tick)


@dataclass(frozen=True, slots=True)
class Sides:
    """Both versions' parts of one project."""

    stable: Side
    canary: Side


def sides(config: Config, base: Path, clock: Clock) -> Sides:
    """Bring ``deploy`` to life.

    From then on no message says what the environment file calls a secret, see ``core.redaction``.

    Args:
        config: its ``deploy`` is there.
        base: the folder of canary.yaml.
        clock: for the bounds.

    Raises:
        HostError: Compose is not installed.
    """
    deploy = config.deploy
    assert deploy is not None  # noqa: S101  the caller looked
    gateway = config.gateway
    engine = {
        key: value
        for key in ("docker_host", "docker_context", "tls_dir")
        if (value := getattr(gateway, key, None)) is not None
    }
    project = project_of(deploy, config.service, base)
    runs = ComposeRuns(project, clock, deploy.within, engine_environment(**engine))
    containers = ComposeContainers(project.name, **engine)
    env = EnvFile(base / deploy.env_file)
    named = (config.versions, gateway, deploy)  # messages have to say what stands there
    SECRETS.add(
        secrets_in(env, deploy.stable.variable, deploy.canary.variable),
        shown="\n".join([config.service, *(one.model_dump_json() for one in named)]),
    )

    def side(name: str) -> Side:
        model = deploy.stable if name == "stable" else deploy.canary
        return Side(name, model.services, model.variable, env, runs, containers)

    return Sides(side("stable"), side("canary"))


def project_of(deploy: DeployModel, service: str, base: Path) -> ComposeProject:
    """Give the project as Compose is told about it.

    Raises:
        HostError: Compose is not installed.
    """
    return ComposeProject(
        command=compose_command(),
        name=deploy.project or service,
        files=tuple(base / file for file in deploy.files),
        env_file=base / deploy.env_file,
        profiles=deploy.profiles,
    )
