"""``gateway``: where NGINX runs."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from canaryctl.config.base import Model
from canaryctl.config.fields import (
    Duration,
    DurationFromZero,
    Name,
    Path,
    Url,
)
from canaryctl.config.tls import TlsFiles
from canaryctl.core.lease import OnAbandon
from canaryctl.core.plan import OnDrift


class Gateway(Model):
    """What both hosts need."""

    config: Path = Field(description="canaryctl's file, included by NGINX's http {} block")
    verify: Url = Field(
        "http://127.0.0.1:9180", description="NGINX's control listener as reached from here"
    )
    tls: TlsFiles | None = Field(None, description="for a verify that is https://")
    control: str | None = Field(
        None,
        pattern=r"^(?:[0-9A-Za-z.\[\]:-]+:)?[0-9]{1,5}$",
        description="what the control listener listens on; left out: verify's port",
    )
    attempts: Path | None = Field(
        None, description="NGINX's log of attempts, as NGINX sees it; left out: not counted"
    )
    template: str | None = Field(None, description="replaces the packaged upstream template")
    upstream: Name | None = Field(None, description="name of the upstream; left out: service")
    resolver: str | None = Field(None, pattern=r"^[0-9A-Za-z.\[\]: -]+$")
    keepalive: int = Field(64, ge=1, le=10_000)
    lease: Duration = Field(
        30.0, description="without a sign of life for so long, a rollout counts as abandoned"
    )
    on_abandon: OnAbandon = Field(
        OnAbandon.ROLLBACK,
        description="what a guard does with an abandoned rollout: rollback, hold",
    )
    on_drift: OnDrift = Field(
        OnDrift.END,
        description="the weights were changed by nobody's decision: end, or reassert them",
    )
    drain_within: DurationFromZero = Field(
        60.0, description="after going back, old workers are waited for so long at most; 0: not"
    )
    binary: str | None = None
    main: Path | None = Field(None, description="NGINX's main configuration, as with -c")
    prefix: Path | None = Field(None, description="NGINX's prefix, as with -p")

    @model_validator(mode="after")
    def _secured(self) -> Self:
        if self.tls is not None and not self.verify.startswith("https://"):
            raise ValueError("tls: it is for a verify that begins with https://")
        if "@" in self.verify.partition("://")[2].partition("/")[0]:
            raise ValueError(
                "verify: no user and password are sent; tls.cert_file tells who we are"
            )
        return self


class DockerGateway(Gateway):
    """An NGINX in a container."""

    driver: Literal["docker"]
    container: str | None = Field(None, min_length=1, description="name or id")
    project: str | None = Field(None, description="Compose project, with service")
    service: str | None = Field(None, description="Compose service, with project")
    docker_host: str | None = Field(
        None, description="Docker Engine, such as unix:///run/docker.sock; else as `docker` does"
    )
    docker_context: str | None = Field(None, description="docker context")
    tls_dir: str | None = Field(
        None, description="folder with ca.pem, cert.pem and key.pem for a tcp:// docker_host"
    )

    @model_validator(mode="after")
    def _named(self) -> DockerGateway:
        if (self.container is None) == (self.service is None):
            raise ValueError("name the NGINX container: container, or project and service")
        if (self.project is None) != (self.service is None):
            raise ValueError("project and service name a container together: give both")
        if self.docker_host is not None and self.docker_context is not None:
            raise ValueError("docker_host and docker_context both name an Engine: give one")
        return self


class LocalGateway(Gateway):
    """An NGINX on this machine."""

    driver: Literal["local"]
    pid_file: Path | None = None
