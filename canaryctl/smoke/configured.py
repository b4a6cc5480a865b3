"""What canary.yaml says about smoke tests: the suite, and each version as a target."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from canaryctl.config.gateway import DockerGateway
from canaryctl.config.model import Config
from canaryctl.core.errors import ConfigError
from canaryctl.core.series import Version
from canaryctl.drivers.tls import Tls
from canaryctl.smoke.load import load_suite
from canaryctl.smoke.several_logs import SeveralLogs
from canaryctl.smoke.suite import Suite
from canaryctl.smoke.target import LogSource, Target

if TYPE_CHECKING:
    from canaryctl.drivers.docker_logs import DockerLogs


def configured_suite(config: Config, base: Path) -> Suite:
    """Give the suite that is configured, else the shipped one.

    Args:
        config: canary.yaml.
        base: its folder.

    Raises:
        ConfigError: the suite's file is wrong; names file, line and key.
    """
    return load_suite(suite_file(config, base))


def suite_file(config: Config, base: Path) -> Path | None:
    """Give the suite's file; None where none is configured."""
    named = config.smoke.suite
    return None if named is None else base / named


def configured_target(
    config: Config,
    base: Path,
    version: Version,
    suite: Suite,
    *,
    containers: Sequence[str] = (),
    files: Sequence[Path] = (),
    url: str | None = None,
) -> Target:
    """Give one version as a target.

    Args:
        config: canary.yaml.
        base: its folder.
        version: which of the two.
        suite: may name containers.
        containers: whose logs are read, in place of those of suite and configuration.
        files: the same for files on this machine.
        url: where it answers, in place of what is configured.

    Raises:
        ConfigError: it answers at a Unix socket, and no URL is given.
    """
    side = config.versions.canary if version is Version.CANARY else config.versions.stable
    smoke, reached = config.smoke, side.reached_at() if url is None else url
    if not reached:
        raise ConfigError(
            f"versions.{version.value}.url: {side.address[0]} is a Unix socket, which cannot be "
            "asked by HTTP from here",
            next_step="give the URL at which it answers, or smoke-test a URL",
        )
    pem = (smoke.ca_file, smoke.cert_file, smoke.key_file)
    return Target(
        name=version.value if url is None else url,
        url=reached,
        logs=_logs(config, version, suite, containers, files),
        headers={name: value.get_secret_value() for name, value in smoke.headers.items()},
        tls=Tls("smoke", *(None if one is None else str(base / one) for one in pem)),
    )


def log_source(
    config: Config | None, containers: Sequence[str], files: Sequence[Path]
) -> LogSource | None:
    """Give the logs that are named, None where none is."""
    from canaryctl.smoke.log_file import FileLogs  # noqa: PLC0415  only what is needed

    sources: list[LogSource] = []
    if containers:
        sources.append(docker_logs(config, containers=containers))
    if files:
        sources.append(FileLogs(files))
    if len(sources) > 1:
        return SeveralLogs(sources)
    return sources[0] if sources else None


def docker_logs(
    config: Config | None,
    *,
    containers: Sequence[str] = (),
    project: str = "",
    service: str = "",
) -> DockerLogs:
    """Give the logs of containers on the gateway's engine, or where ``docker`` finds one."""
    from canaryctl.drivers.docker_logs import DockerLogs  # noqa: PLC0415  only what is needed

    gateway = config.gateway if config is not None else None
    if not isinstance(gateway, DockerGateway):
        return DockerLogs(containers=containers, project=project, service=service)
    return DockerLogs(
        containers=containers,
        project=project,
        service=service,
        docker_host=gateway.docker_host,
        docker_context=gateway.docker_context,
        tls_dir=gateway.tls_dir,
    )


def _logs(
    config: Config,
    version: Version,
    suite: Suite,
    containers: Sequence[str],
    files: Sequence[Path],
) -> LogSource | None:
    if containers or files:
        return log_source(config, containers, files)
    if suite.containers:
        return log_source(config, suite.containers, ())
    if config.deploy is None:
        return None
    side = config.deploy.canary if version is Version.CANARY else config.deploy.stable
    project = config.deploy.project or config.service
    return docker_logs(config, project=project, service=side.services[0])
