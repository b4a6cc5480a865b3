"""``hooks``: commands and URLs at moments of a rollout."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator

from canaryctl.config.base import Model
from canaryctl.config.fields import Duration, Url
from canaryctl.core.hooks import GATED, Hook, HookMoment
from canaryctl.core.plan import Ask, Plan

LONGEST = 3600.0
"""Seconds."""
HookName = Annotated[
    str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=10_000)]


class HookModel(Model):
    """One of them."""

    name: HookName | None = Field(
        None, description="as messages call it; left out: the program's, or the URL's host"
    )
    at: tuple[HookMoment, ...] = Field(min_length=1, description="the moments that it runs at")
    command: tuple[Word, ...] | None = Field(
        None, min_length=1, description="the program and its arguments; no shell reads them"
    )
    url: Url | None = Field(None, description="is sent the facts as JSON, by POST")
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    timeout: Duration = Field(30.0, le=LONGEST, description="it may take so long")
    gate: bool = Field(False, description="whether its failure counts as a failed gate")

    @field_validator("at", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        known = [one.value for one in HookMoment]
        many = value if isinstance(value, list | tuple) else [value]
        for one in many:
            if one not in known:
                near = difflib.get_close_matches(str(one), known, n=1)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                raise ValueError(f"{one!r} is none of {', '.join(known)}{hint}")
        if len(set(many)) != len(many):
            raise ValueError("a moment stands there twice")
        return many

    @model_validator(mode="after")
    def _one_thing(self) -> HookModel:
        if (self.command is None) == (self.url is None):
            raise ValueError("give command or url, one of them")
        if self.command is not None and not self.command[0]:
            raise ValueError("command: the program is the first word, and not empty")
        if self.headers and self.url is None:
            raise ValueError("headers belong to a url")
        late = [one.value for one in self.at if one not in GATED]
        if self.gate and late:
            gated = ", ".join(one.value for one in GATED)
            raise ValueError(
                f"gate: nothing can be stopped any more at {', '.join(late)}; gates are asked at "
                f"{gated}"
            )
        return self

    def core(self) -> Hook:
        """Give it as the core's."""
        return Hook(
            name=self.name or self._called(),
            at=frozenset(self.at),
            command=self.command or (),
            url=self.url or "",
            headers={name: value.get_secret_value() for name, value in self.headers.items()},
            timeout=self.timeout,
            gate=self.gate,
        )

    def _called(self) -> str:
        if self.command:
            return PurePosixPath(self.command[0]).name or self.command[0]
        return urlsplit(self.url or "").netloc.rpartition("@")[2] or "url"


def asking(plan: Plan, hooks: tuple[Hook, ...]) -> Plan:
    """Give the plan with the hooks in it that each stage has to pass."""
    before, after = (
        tuple(one.name for one in hooks if one.gate and moment in one.at)
        for moment in (HookMoment.BEFORE_STAGE, HookMoment.AFTER_STAGE)
    )
    last = (Ask(HookMoment.BEFORE_STAGE, before),) if before else ()
    first = (Ask(HookMoment.AFTER_STAGE, after),) if after else ()
    stages = tuple(replace(one, before=(*one.before, *last), after=first) for one in plan.stages)
    return replace(plan, stages=stages) if before or after else plan
