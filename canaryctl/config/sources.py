"""``metrics``: where numbers come from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, model_validator

from canaryctl.config.base import Model
from canaryctl.config.fields import (
    Duration,
    Labels,
    Url,
)
from canaryctl.config.tls import TlsFiles


class Select(Model):
    """The labels that tell each version's series."""

    stable: Labels = Field(default_factory=lambda: {"version": "production"})
    canary: Labels = Field(default_factory=lambda: {"version": "canary"})

    @model_validator(mode="after")
    def _apart(self) -> Select:
        if self.stable == self.canary:
            raise ValueError("stable and canary have the same labels, so nothing tells them apart")
        return self


class BasicAuth(Model):
    """User and password for the metrics source."""

    username: str
    password: SecretStr


class Source(TlsFiles):
    """What both providers share."""

    timeout: Duration = 10.0
    lost_after: Duration = Field(600.0, description="without an answer: back to 0 %, metrics lost")
    headers: dict[str, SecretStr] = Field(default_factory=dict)


class PrometheusSource(Source):
    """Anything that speaks Prometheus' HTTP API."""

    provider: Literal["prometheus"]
    url: Url = "http://127.0.0.1:9090"
    select: Select = Field(default_factory=Select)
    bearer_token: SecretStr | None = None
    basic_auth: BasicAuth | None = None

    @model_validator(mode="after")
    def _one_login(self) -> PrometheusSource:
        if self.bearer_token is not None and self.basic_auth is not None:
            raise ValueError("bearer_token and basic_auth: give one")
        return self


class Targets(Model):
    """Metrics URLs of each version, when they are not at http://ADDRESS/metrics."""

    stable: list[Url] = Field(min_length=1)
    canary: list[Url] = Field(min_length=1)


class ScrapeSource(Source):
    """Both versions' own /metrics."""

    provider: Literal["scrape"]
    path: str = Field("/metrics", pattern=r"^/")
    targets: Targets | None = None
    select: Select | None = None
    timeout: Duration = 2.0
