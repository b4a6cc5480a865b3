"""The one file (with ``wiring_metrics``) that names concrete drivers."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from canaryctl.config.gateway import DockerGateway, LocalGateway
from canaryctl.config.model import Config
from canaryctl.config.tls import TlsFiles
from canaryctl.core.errors import ConfigError
from canaryctl.drivers.attempts import NginxAttempts
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.control_file import ControlFile
from canaryctl.drivers.identity import Identities, Question
from canaryctl.drivers.lease_file import LeaseFile
from canaryctl.drivers.lock import Locks
from canaryctl.drivers.nginx import NginxRouter
from canaryctl.drivers.nginx_control import Control
from canaryctl.drivers.promotion_file import PromotionFile
from canaryctl.drivers.template import Address, Routing
from canaryctl.drivers.tls import Tls
from canaryctl.ports import Clock, Counting, Metrics
from canaryctl.resources import shipped
from canaryctl.wiring_metrics import metrics_of, source_of

if TYPE_CHECKING:
    from canaryctl.drivers.docker_host import DockerHost
    from canaryctl.drivers.local_host import LocalHost

DOCKER_DNS = "127.0.0.11"


def owner() -> str:
    """Name this process for whoever looks at the gateway: ``user@machine:pid``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{machine()}:{os.getpid()}"


def machine() -> str:
    """This machine's name."""
    return socket.gethostname()


def next_generation(before: str | None) -> str:
    """Name a generation: a number that grows, and a part that no other process will pick."""
    number = (before or "").partition("-")[0]
    grown = int(number) + 1 if number.isdigit() else 1
    return f"{grown}-{os.urandom(3).hex()}"


@dataclass
class Build:
    """A configuration brought to life, each part when it is first needed."""

    config: Config
    base: Path

    @cached_property
    def clock(self) -> Clock:
        """The system's."""
        return SystemClock()

    @cached_property
    def host(self) -> DockerHost | LocalHost:
        """Where NGINX runs."""
        gateway = self.config.gateway
        match gateway:
            case DockerGateway():
                from canaryctl.drivers.docker_host import DockerHost  # noqa: PLC0415  7 ms

                return DockerHost(
                    container=gateway.container,
                    project=gateway.project,
                    service=gateway.service,
                    docker_host=gateway.docker_host,
                    docker_context=gateway.docker_context,
                    tls_dir=gateway.tls_dir,
                    binary=gateway.binary,
                    prefix=gateway.prefix,
                    main=gateway.main,
                )
            case LocalGateway():
                from canaryctl.drivers.local_host import LocalHost  # noqa: PLC0415  see above

                return LocalHost(
                    binary=gateway.binary or "nginx",
                    prefix=gateway.prefix,
                    main=gateway.main,
                    pid_file=gateway.pid_file,
                )

    @cached_property
    def locks(self) -> Locks:
        """This machine's locks on the gateway."""
        identity = f"{machine()} {self.host.identity()} {self.config.gateway.config}"
        return Locks(identity, self.clock)

    @cached_property
    def lease(self) -> LeaseFile:
        """The lease at the gateway."""
        return LeaseFile(self.host, self.config.gateway.config, self._staging)

    @cached_property
    def desk(self) -> ControlFile:
        """Where people ask things of a running rollout."""
        return ControlFile(self.host, self.config.gateway.config, self._staging)

    @cached_property
    def promotion(self) -> PromotionFile:
        """The record of a promotion at the gateway."""
        live = self.config.gateway.config
        return PromotionFile(self.host, live, self._staging, self.lease.fence)

    @cached_property
    def _staging(self) -> str:
        """A part of the names of what this process stages; no other one has it."""
        return f"{os.getpid()}-{os.urandom(3).hex()}"

    @property
    def gateway(self) -> str:
        """What the journal calls this gateway."""
        return f"{self.host.describe()} {self.config.gateway.config}"

    def new_id(self) -> str:
        """Name a rollout: when it began (UTC), and a part that no other one will pick."""
        began = datetime.fromtimestamp(self.clock.now(), UTC)
        return f"{began:%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"

    @cached_property
    def routing(self) -> Routing:
        """What the template needs."""
        gateway, versions = self.config.gateway, self.config.versions
        return Routing(
            upstream=gateway.upstream or self.config.service,
            stable=tuple(Address(one) for one in versions.stable.address),
            canary=tuple(Address(one) for one in versions.canary.address),
            control=gateway.control or self._control(),
            keepalive=gateway.keepalive,
        )

    def _control(self) -> str:
        parts = urlsplit(self.config.gateway.verify)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if isinstance(self.config.gateway, DockerGateway):
            # Behind Docker's port mapping; published on loopback only.
            return str(port)
        host = parts.hostname or "127.0.0.1"
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def exposed(self) -> tuple[str, ...]:
        """Give the addresses beyond loopback at which the control listener can be reached."""
        from canaryctl.drivers.docker_host import DockerHost  # noqa: PLC0415  7 ms
        from canaryctl.drivers.docker_ports import beyond_loopback  # noqa: PLC0415

        control = self.routing.control
        if isinstance(self.host, DockerHost):
            return self.host.published(control)
        return beyond_loopback(control)

    @cached_property
    def template(self) -> str:
        """The text of the template: the user's, else the packaged one."""
        given = self.config.gateway.template
        path = self.base / given if given else shipped("nginx/upstream.conf.j2")
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"gateway.template: {path} cannot be read: {error}") from error

    def fall_back(self) -> bool:
        """Take the packaged template from now on; False when it already is the one in use.

        For a rollback whose own template has been broken meanwhile: traffic comes first.
        """
        packaged = shipped("nginx/upstream.conf.j2").read_text(encoding="utf-8")
        if self.__dict__.get("template") == packaged:
            return False
        self.__dict__["template"] = packaged
        self.__dict__.pop("router", None)
        return True

    def forget(self) -> None:
        """Have the gateway looked at anew at the next change, if it was looked at before."""
        router = self.__dict__.get("router")
        if router is not None:
            router.forget()

    @cached_property
    def router(self) -> NginxRouter:
        """Where weights are set."""
        gateway = self.config.gateway
        docker = isinstance(gateway, DockerGateway)
        return NginxRouter(
            host=self.host,
            control=Control(gateway.verify, self.clock, self._tls(gateway.tls, "gateway.tls")),
            clock=self.clock,
            source=self.template,
            routing=self.routing,
            live=gateway.config,
            token=self.locks.token,
            new_generation=next_generation,
            writing=self.locks.writing,
            resolver=gateway.resolver or (DOCKER_DNS if docker else ""),
            fence=self.lease.fence,
        )

    @cached_property
    def identities(self) -> Identities:
        """Who asks the versions' servers which one they are."""
        versions = self.config.versions
        return Identities(
            self.host,
            self.clock,
            [
                Question(name, side.address)
                if side.identity is None
                else Question(
                    name,
                    side.address,
                    side.identity.path,
                    side.identity.json_field,
                    side.identity.equals,
                )
                for name, side in (("stable", versions.stable), ("canary", versions.canary))
            ],
        )

    @cached_property
    def attempts(self) -> Counting | None:
        """Who counts attempts, None where NGINX writes no log of them."""
        path = self.config.gateway.attempts
        return NginxAttempts(self.host, path) if path else None

    @cached_property
    def metrics(self) -> Metrics:
        """Where numbers come from."""
        return metrics_of(self.config, self.clock, self._tls(self.config.metrics, "metrics"))

    def _tls(self, files: TlsFiles | None, key: str) -> Tls:
        if files is None:
            return Tls(key)
        given = (files.ca_file, files.cert_file, files.key_file)
        return Tls(key, *(None if one is None else str(self.base / one) for one in given))

    @cached_property
    def source(self) -> str:
        """The metrics source in words, without secrets."""
        return source_of(self.config)
