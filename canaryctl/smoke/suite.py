"""A smoke suite: what a version has to answer, log and expose before it gets traffic."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from canaryctl.config.base import Model
from canaryctl.config.fields import Duration, DurationFromZero, Labels
from canaryctl.smoke.check import Check
from canaryctl.smoke.fields import (
    HeaderName,
    Headers,
    Json,
    Line,
    MetricName,
    OnePlace,
    PathText,
    RequestPath,
    Statuses,
    Variable,
)

T = TypeVar("T")
_MOST = 200
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _method(value: Any) -> Any:
    if not isinstance(value, str) or value.upper() not in _METHODS:
        raise ValueError(f"a method is one of {', '.join(_METHODS)}, not {value!r}")
    return value.upper()


def _some(many: tuple[T, ...]) -> tuple[T, ...]:
    if not 1 <= len(many) <= _MOST:
        raise ValueError(f"from 1 to {_MOST} of them, not {len(many)}")
    return many


class Request(Model):
    """What is asked. ``json`` is the body; ``{name}`` stands for a saved value."""

    method: Annotated[str, BeforeValidator(_method)] = "GET"
    path: RequestPath
    headers: Headers = Field(default_factory=dict)
    body: Json = Field(None, alias="json")
    follow_redirects: bool = False

    @property
    def has_body(self) -> bool:
        """Whether one is sent; ``json: null`` is one."""
        return "body" in self.model_fields_set


class Expected(Model):
    """What the answer has to be."""

    status: Statuses = ("2xx",)
    headers: dict[HeaderName, str] = Field(default_factory=dict, description="names any case")
    values: dict[PathText, Check] = Field(default_factory=dict, alias="json")
    body: str | None = Field(None, description="text that has to be in the body")


class Step(Model):
    """What every step has."""

    name: Line
    after: Line | None = Field(None, description="skipped when that request was not answered")


class RequestStep(Step):
    """A request and its answer."""

    request: Request
    expect: Expected = Field(default_factory=Expected)
    save: dict[Variable, OnePlace] = Field(default_factory=dict)
    timeout: Duration | None = None

    @model_validator(mode="after")
    def _has_an_answer(self) -> RequestStep:
        if self.request.method == "HEAD" and (self.expect.values or self.save):
            raise ValueError("an answer to HEAD has no body to look into")
        return self


class LoggedEvent(Model):
    """A line that has to appear in the log."""

    event: Line
    fields: tuple[Line, ...] = ()
    values: dict[Line, Json] = Field(default_factory=dict)
    within: DurationFromZero = 10.0


class LogsStep(Step):
    """A line in the container's log, written since the run began."""

    logs: LoggedEvent


class Family(Model):
    """A metric family. With labels, or ``samples: true``, it has to have such a sample."""

    name: MetricName
    labels: Labels = Field(default_factory=dict)
    samples: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class Exposed(Model):
    """A metrics page and what it has to hold."""

    path: RequestPath = "/metrics"
    families: Annotated[tuple[Family, ...], AfterValidator(_some)]
    within: DurationFromZero = 0.0


class MetricsStep(Step):
    """Metric families on the version's own page."""

    metrics: Exposed
    timeout: Duration | None = None


def _kind(value: Any) -> str | None:
    if isinstance(value, RequestStep | LogsStep | MetricsStep):
        return _TAGS[type(value)]
    keys = value if isinstance(value, dict) else ()
    kinds = [kind for kind in ("request", "logs", "metrics") if kind in keys]
    return f"a {kinds[0]} step" if len(kinds) == 1 else None


# Tags are no keys of a step, so that a message's path has only what stands in the file.
_TAGS = {
    RequestStep: "a request step",
    LogsStep: "a logs step",
    MetricsStep: "a metrics step",
}
AnyStep = Annotated[
    Annotated[RequestStep, Tag("a request step")]
    | Annotated[LogsStep, Tag("a logs step")]
    | Annotated[MetricsStep, Tag("a metrics step")],
    Discriminator(
        _kind,
        custom_error_type="step_kind",
        custom_error_message="a step has exactly one of request, logs, metrics",
    ),
]


class Suite(Model):
    """All of a suite's file."""

    name: Line
    timeout: Duration = Field(10.0, description="for each request, unless the step has its own")
    headers: Headers = Field(default_factory=dict, description="sent with every request")
    containers: tuple[Line, ...] = Field(
        (), description="whose logs are read; left out: the service's"
    )
    steps: Annotated[tuple[AnyStep, ...], AfterValidator(_some)]
