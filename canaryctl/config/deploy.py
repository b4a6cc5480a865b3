"""``deploy``: the Compose project that both versions run in, and how a version gets into it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from canaryctl.config.base import Model
from canaryctl.config.fields import Duration, Name


def stays(path: str) -> str:
    """Give a path that stays below the folder of canary.yaml.

    Raises:
        ValueError: it leaves it.
    """
    parts = re.split(r"[/\\]", path)
    if path.startswith("/") or "\\" in path or ".." in parts:
        raise ValueError(f"a path below the folder of canary.yaml, with slashes, not {path!r}")
    return path


File = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00-\x1f]+$")]
Inside = Annotated[File, AfterValidator(stays)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
RequestPath = Annotated[str, StringConstraints(pattern=r"^/[^\x00-\x20]*$")]


class SideModel(Model):
    """One version's part of the project.

    Attributes:
        services: the first one serves requests; the others are deployed along with it.
        variable: holds the version in the environment file.
    """

    services: tuple[Name, ...] = Field(
        min_length=1, description="Compose services; the first one serves requests"
    )
    variable: Variable = Field(description="holds the version, in env_file and for Compose")


class WarmUpModel(Model):
    """Requests that a version is sent before it gets traffic."""

    path: RequestPath = "/health"
    requests: int = Field(20, ge=0, le=10_000)


class DeployModel(Model):
    """How versions are deployed."""

    files: tuple[File, ...] = Field(
        min_length=1, description="Compose files, relative to canary.yaml"
    )
    project: Name | None = Field(None, description="Compose project; left out: service")
    env_file: File = Field(".env", description="Compose's environment file, which is kept current")
    profiles: tuple[Name, ...] = Field((), description="Compose profiles that are deployed too")
    on_rollout: bool = Field(
        False, description="`rollout` deploys the canary also without --deploy"
    )
    stable: SideModel = Field(
        default_factory=lambda: SideModel(services=("app",), variable="PRODUCTION_VERSION")
    )
    canary: SideModel = Field(
        default_factory=lambda: SideModel(services=("app-canary",), variable="CANARY_VERSION")
    )
    healthy_within: Duration = Field(
        120.0, description="a version has to answer its warm_up.path with 2xx within this"
    )
    warm_up: WarmUpModel = Field(default_factory=WarmUpModel)
    smoke_test: bool = Field(True, description="the smoke suite has to pass before it gets traffic")
    logs: File = Field("canary-logs", description="folder for the logs of a canary thrown back")
    within: Duration = Field(600.0, description="one run of Compose may take so long")
