"""canary.yaml as pydantic models. Unknown keys are errors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from canaryctl.config.fields import (
    Addresses,
    Duration,
    DurationFromZero,
    Labels,
    Name,
    Path,
    Share,
    Stages,
    Url,
)
from canaryctl.config.gate_sets import Gates
from canaryctl.config.gates import mission
from canaryctl.core import gate as core
from canaryctl.core.accounts import WARM_UP
from canaryctl.core.analysis import Judgement
from canaryctl.core.gate import Judging
from canaryctl.core.plan import OnInconclusive, Stage
from canaryctl.core.plan import Plan as CorePlan
from canaryctl.core.sequential.course import Policy
from canaryctl.core.series import Version
from canaryctl.core.weight import Weight


class Model(BaseModel):
    """No unknown keys, no changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class VersionModel(Model):
    """Where one version answers."""

    address: Addresses


class Versions(Model):
    """Both sides."""

    stable: VersionModel
    canary: VersionModel

    @model_validator(mode="after")
    def _apart(self) -> Versions:
        both = set(self.stable.address) & set(self.canary.address)
        if both:
            raise ValueError(f"stable and canary share {', '.join(sorted(both))}")
        return self


class Gateway(Model):
    """What both hosts need."""

    config: Path = Field(description="canaryctl's file, included by NGINX's http {} block")
    verify: Url = Field(
        "http://127.0.0.1:9180", description="NGINX's control listener as reached from here"
    )
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
    binary: str | None = None
    main: Path | None = Field(None, description="NGINX's main configuration, as with -c")
    prefix: Path | None = Field(None, description="NGINX's prefix, as with -p")


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


class PlanModel(Model):
    """Stages and bounds."""

    stages: Stages = Field((Weight(100), Weight(500), Weight(2500), Weight.FULL))
    observe: Duration = Field(900.0, description="how long each stage is observed")
    interval: Duration = Field(10.0, description="between two evaluations of the gates")
    extend_to: float = Field(
        3.0,
        ge=1,
        le=100,
        description="a stage without enough data lasts at most so many times observe",
    )
    gateway_lost_after: Duration = 30.0
    advance: Literal["time", "evidence"] = Field(
        "time", description="evidence: a stage ends early once the canary is known to be fine"
    )
    warm_up: DurationFromZero | None = Field(
        None,
        description="after a weight change latency is not judged; left out: 60s, at most observe/3",
    )
    hold_for: Duration = Field(
        1800.0, description="stable in trouble itself may hold the rollout for so long, in all"
    )
    on_inconclusive: OnInconclusive = Field(
        OnInconclusive.BACK, description="what ends a stage extended to its bound: back, advance"
    )

    @model_validator(mode="after")
    def _warm_in_time(self) -> PlanModel:
        if self.warm_up is not None and self.warm_up >= self.observe:
            said = f"{self.warm_up:g} s leave nothing to judge of a stage of {self.observe:g} s"
            raise ValueError(f"warm_up: {said}")
        return self

    def judgement(self, risk: float) -> Judgement:
        """Give how evidence is judged in this plan."""
        warm_up = min(WARM_UP, self.observe / 3) if self.warm_up is None else self.warm_up
        policy = Policy(self.extend_to, self.hold_for, early=self.advance == "evidence")
        return Judgement(risk, warm_up, policy)

    def core(self, lost_after: float) -> CorePlan:
        """Give the core's plan."""
        return CorePlan(
            stages=tuple(Stage(weight, self.observe) for weight in self.stages),
            interval=self.interval,
            extend_to=self.extend_to,
            lost_after=lost_after,
            gateway_lost_after=self.gateway_lost_after,
            on_inconclusive=self.on_inconclusive,
        )


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


class Source(Model):
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
    ca_file: str | None = None

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


class Config(Model):
    """All of canary.yaml."""

    service: Name
    versions: Versions
    gateway: Annotated[DockerGateway | LocalGateway, Field(discriminator="driver")]
    plan: PlanModel = Field(default_factory=PlanModel)
    metrics: Annotated[PrometheusSource | ScrapeSource, Field(discriminator="provider")] = Field(
        default_factory=lambda: ScrapeSource(provider="scrape")
    )
    judge: Judging = Field(
        Judging.EVIDENCE, description="evidence, or threshold: every limit is read literally"
    )
    risk: Share = Field(
        0.01, description="chance at most that a healthy canary is thrown back in a whole rollout"
    )
    gates: Gates = Field(
        default_factory=mission, description="a list of them, or mission, slo, strict or relaxed"
    )
    liveness: int = Field(
        3, ge=0, description="evaluations in a row that find the canary's scrape failed; 0: off"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        names = [gate.name for gate in self.gates]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"gates: the name {min(twice)!r} is used twice")
        if self.metrics.provider == "scrape":
            for gate in self.gates:
                if gate.kind == "promql":
                    raise ValueError(
                        f"gates: {gate.name!r} is kind: promql, which needs provider: prometheus"
                    )
        return self

    def core_gates(self) -> tuple[core.Gate, ...]:
        """Give the gates, and liveness as the last one."""
        gates = tuple(one.judged(self.judge) for one in self.gates)
        if not self.liveness:
            return gates
        rule = core.Rule(
            "canary up",
            consecutive=self.liveness,
            on_no_data=core.OnNoData.PASS,
            judge=self.judge,
        )
        return (*gates, core.UpGate(rule))

    def judgement(self) -> Judgement:
        """Give how evidence is judged."""
        return self.plan.judgement(self.risk)

    def core_plan(self) -> CorePlan:
        """Give the plan with every bound."""
        return self.plan.core(self.metrics.lost_after)

    def select(self) -> dict[Version, dict[str, str]]:
        """Give each version's labels; empty where none are needed."""
        if self.metrics.select is None:
            return {}
        return {
            Version.STABLE: self.metrics.select.stable,
            Version.CANARY: self.metrics.select.canary,
        }
