"""``checks.probes``: whatever else has to be true, each asked in one way."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    WithJsonSchema,
    model_validator,
)

from canaryctl.config.base import Model
from canaryctl.config.deploy import File, stays
from canaryctl.config.fields import Duration, Labels, Url
from canaryctl.core.weight import Weight

KINDS = ("command", "tcp", "http", "prometheus", "dashboard", "notify", "weights")
_BELONGS = {
    "status": ("http",),
    "json_fields": ("http",),
    "contains": ("http",),
    "panels": ("dashboard",),
    "headers": ("http", "dashboard"),
}
_HOST_PORT = r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?):[0-9]{1,5}$"
_LAST_PORT = 65535


def _command(value: Any) -> Any:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"a program and its arguments, such as [make, test], not {value!r}")
    if any(isinstance(one, dict | list) or one is None for one in value):
        raise ValueError("a program's arguments are texts")
    words = [json.dumps(one) if isinstance(one, bool) else str(one) for one in value]
    if not words[0] or any("\0" in one for one in words):
        raise ValueError("the first word is a program, and none holds a zero byte")
    return tuple(words)


def _url_or_inside(where: str) -> str:
    return where if where.startswith(("http://", "https://")) else stays(where)


Board = Annotated[File, AfterValidator(_url_or_inside)]
Command = Annotated[
    tuple[str, ...],
    BeforeValidator(_command),
    WithJsonSchema(
        {"type": "array", "items": {"type": ["string", "number", "boolean"]}, "minItems": 1}
    ),
]


class ProbeModel(Model):
    """One probe: ``name``, one of ``KINDS``, and what belongs to it."""

    name: str = Field(min_length=1, max_length=63, pattern=r"^[^\x00-\x1f\x7f]+$")
    command: Command | None = Field(None, description="passes when it ends with 0")
    tcp: str | None = Field(None, pattern=_HOST_PORT, description="passes when it connects")
    http: Url | None = Field(None, description="passes when GET answers as it should")
    prometheus: Labels | None = Field(None, description="up is 1 for each target with these labels")
    dashboard: Board | None = Field(None, description="a URL or a file of Grafana's JSON")
    notify: Literal[True] | None = Field(None, description="a test message reaches each channel")
    weights: float | None = Field(
        None, ge=0, le=100, description="the canary's percentage in force"
    )
    status: int | None = Field(None, ge=100, le=599, description="left out: 200 to 299")
    json_fields: dict[str, Any] = Field(
        default_factory=dict, alias="json", description="fields of the answer, such as status: ok"
    )
    contains: str | None = Field(None, min_length=1, description="text in the answer")
    panels: tuple[str, ...] = Field((), description="titles; left out: it has any panel")
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    timeout: Duration = 10.0
    severity: Literal["fail", "warn"] = "fail"

    @property
    def kind(self) -> str:
        """Which of ``KINDS`` it is."""
        return next(one for one in KINDS if getattr(self, one) is not None)

    @model_validator(mode="after")
    def _one_kind(self) -> ProbeModel:
        given = [one for one in KINDS if getattr(self, one) is not None]
        if len(given) != 1:
            said = f"{self.name!r} has {' and '.join(given) or 'none of them'}"
            raise ValueError(f"give one of {', '.join(KINDS)}; {said}")
        for key, kinds in _BELONGS.items():
            if getattr(self, key) not in (None, (), {}) and given[0] not in kinds:
                shown = "json" if key == "json_fields" else key
                raise ValueError(f"{shown} belongs to {' and '.join(kinds)}, not to {given[0]}")
        return self

    @model_validator(mode="after")
    def _values(self) -> ProbeModel:
        if self.tcp is not None and not 0 < int(self.tcp.rpartition(":")[2]) <= _LAST_PORT:
            raise ValueError(f"tcp: {self.tcp!r} has no port between 1 and {_LAST_PORT}")
        if self.prometheus is not None and not self.prometheus:
            raise ValueError("prometheus: labels of the targets, such as {job: app}")
        if self.weights is not None:
            Weight.parse(self.weights)
        return self
