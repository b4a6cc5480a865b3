"""``checks``: what has to be true before a release is rolled out.

Each of the five is judged from the folder of canary.yaml where it is left out, as far as that
can be done, and ``off`` where a service has no such thing.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from canaryctl.config.base import Model
from canaryctl.config.deploy import File, Inside, Variable
from canaryctl.config.fields import Duration, Name
from canaryctl.config.probes import Command, ProbeModel

OFF = "off"
FIVE = ("release", "migrations", "secrets", "artifacts", "runbook")
T = TypeVar("T")


def _many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Patterns = Annotated[
    tuple[Inside, ...],
    BeforeValidator(_many),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
            "description": "such as models/*.pt, or a list",
        }
    ),
]


class ReleaseCheck(Model):
    """The tag, and what the version needs besides the code."""

    checkpoints: Patterns = Field((), description="model checkpoints: each has to match a file")
    changelog: Inside = Field("CHANGELOG.md", description="where `release` adds an entry")


class MigrationsCheck(Model):
    """A database's schema."""

    name: Name | None = Field(None, description="when there are several: in the output")
    files: Patterns = Field((), description="the migrations, such as migrations/*.sql")
    applied: Command | None = Field(None, description="prints what is applied, or its version")
    expect: str | None = Field(None, min_length=1, description="what `applied` prints exactly")
    timeout: Duration = 60.0

    @model_validator(mode="after")
    def _says_what_to_compare(self) -> MigrationsCheck:
        if not self.files and self.expect is None:
            raise ValueError("give files, or expect with applied")
        if self.expect is not None and (self.applied is None or self.files):
            raise ValueError("expect is compared with what applied prints: it needs it, not files")
        return self


class SecretsCheck(Model):
    """The environment file."""

    file: File = ".env"
    example: File = Field(".env.example", description="every variable in it has to be in file")
    required: tuple[Variable, ...] = Field((), description="variables besides those of example")
    optional: tuple[Variable, ...] = Field((), description="variables that may be empty or absent")
    public: tuple[Variable, ...] = Field((), description="variables that hold no secret")


class ArtifactsCheck(Model):
    """The manifest that ``canaryctl release`` writes."""

    manifest: Inside = Field("releases/{version}.json", description="{version}: the release")
    files: Patterns = Field((), description="what `release` records, besides checkpoints")
    timeout: Duration = 300.0

    @model_validator(mode="after")
    def _one_for_each_version(self) -> ArtifactsCheck:
        if "{version}" not in self.manifest:
            raise ValueError("manifest holds {version}, so that each release has its own")
        return self


class RunbookCheck(Model):
    """The page that whoever is on call opens."""

    file: Inside = "docs/runbook.md"
    procedures: tuple[str, ...] = Field(
        ("Rollback", "Promotion", "Troubleshooting"), min_length=1, description="headings"
    )

    @model_validator(mode="after")
    def _have_words(self) -> RunbookCheck:
        if any(not re.search(r"\w", one) for one in self.procedures):
            raise ValueError("procedures: each is the words of a heading")
        return self


def _read(value: Any) -> Any:
    # YAML reads a bare off as false.
    return OFF if value is False else value


def _read_one(value: Any) -> Any:
    if isinstance(value, list | tuple):
        raise ValueError("a mapping is expected, or off, and not a list")  # noqa: TRY004
    return _read(value)


def _kind(value: Any) -> str:
    if value == OFF:
        return OFF
    return "list" if isinstance(value, list | tuple) else "keys"


_Off = Annotated[Literal["off"], Tag(OFF), WithJsonSchema({"enum": [OFF, False]})]
OrOff = Annotated[
    Annotated[T, Tag("keys")] | _Off,
    Discriminator(_kind),
    BeforeValidator(_read_one),
]
Migrations = Annotated[
    Annotated[MigrationsCheck, Tag("keys")]
    | Annotated[tuple[MigrationsCheck, ...], Field(min_length=1), Tag("list")]
    | _Off,
    Discriminator(_kind),
    BeforeValidator(_read),
]


class ChecksModel(Model):
    """All of ``checks``. None: left out."""

    release: OrOff[ReleaseCheck] | None = None
    migrations: Migrations | None = None
    secrets: OrOff[SecretsCheck] | None = None
    artifacts: OrOff[ArtifactsCheck] | None = None
    runbook: OrOff[RunbookCheck] | None = None
    probes: tuple[ProbeModel, ...] = Field((), max_length=100, description="whatever else")

    @model_validator(mode="after")
    def _names(self) -> ChecksModel:
        names = [*FIVE, *(one.name for one in self.probes)]
        twice = sorted({one for one in names if names.count(one) > 1})
        if twice:
            raise ValueError(f"probes: the name {twice[0]!r} is used twice, or by one of the five")
        databases = [one.name for one in self.databases()]
        if len(set(databases)) != len(databases):
            raise ValueError("migrations: each of several has a name of its own")
        return self

    def databases(self) -> tuple[MigrationsCheck, ...]:
        """Give the databases whose schema is checked."""
        match self.migrations:
            case MigrationsCheck():
                return (self.migrations,)
            case tuple():
                return self.migrations
        return ()
