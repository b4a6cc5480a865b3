"""``checks`` of canary.yaml becomes the list of what is looked at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from canaryctl.checking import asking, secret_file
from canaryctl.checking.artifacts import Artifacts
from canaryctl.checking.dashboard import dashboard
from canaryctl.checking.finding import Said, unknown
from canaryctl.checking.migrations import Migrations
from canaryctl.checking.release import ReleaseTag
from canaryctl.checking.runbook import Runbook
from canaryctl.checking.scene import Check, Given, Scene
from canaryctl.checking.secret_file import SecretFile
from canaryctl.checking.suite import Mild, Suite, TurnedOff
from canaryctl.checking.targets import targets
from canaryctl.config.checks import (
    OFF,
    ArtifactsCheck,
    ChecksModel,
    ReleaseCheck,
    RunbookCheck,
    SecretsCheck,
)
from canaryctl.config.probes import ProbeModel
from canaryctl.core.redaction import SECRETS, SHORTEST
from canaryctl.drivers.tree import FileProblem


@dataclass(frozen=True, slots=True)
class Undeclared:
    """One of the five that nobody can judge until canary.yaml says how."""

    name: str
    within: float = 0.0

    def look(self) -> Said:
        """Say what to declare."""
        how = "{files: ..., applied: [COMMAND]}"
        return unknown(
            "not declared, so nobody can tell",
            f"declare checks.{self.name}: {how}, or `{self.name}: off` where there are none",
        )


def suite(scene: Scene, asked: ChecksModel, given: Given) -> Suite:
    """Make everything that is looked at: the five, then the probes in their order."""
    checks = (*_five(scene, asked), *_probes(scene, asked, given))
    _learn(scene, asked)
    return Suite(scene, checks, SECRETS.hide)


def _five(scene: Scene, asked: ChecksModel) -> Iterator[Check]:
    release = asked.release if isinstance(asked.release, ReleaseCheck) else ReleaseCheck()
    artifacts = asked.artifacts if isinstance(asked.artifacts, ArtifactsCheck) else ArtifactsCheck()
    if asked.release == OFF:
        yield TurnedOff("release")
    else:
        yield ReleaseTag(scene, release, artifacts)
    if asked.migrations == OFF:
        yield TurnedOff("migrations")
    elif asked.migrations is None:
        yield Undeclared("migrations")
    else:
        for one in asked.databases():
            yield Migrations(scene, one)
    match asked.secrets:
        case "off":
            yield TurnedOff("secrets")
        case SecretsCheck() | None as secrets:
            yield SecretFile(scene, secrets or SecretsCheck(), secrets is not None)
    if asked.artifacts == OFF:
        yield TurnedOff("artifacts")
    else:
        declared = asked.artifacts is not None
        yield Artifacts(scene, artifacts, declared, release.checkpoints, release.changelog)
    match asked.runbook:
        case "off":
            yield TurnedOff("runbook")
        case RunbookCheck() | None as runbook:
            yield Runbook(scene, runbook or RunbookCheck(), runbook is not None)


def _probes(scene: Scene, asked: ChecksModel, given: Given) -> Iterator[Check]:
    ask: dict[str, Callable[[Scene, ProbeModel], Said]] = {
        "command": asking.command,
        "tcp": asking.tcp,
        "http": asking.http,
        "dashboard": dashboard,
        "prometheus": lambda _, probe: targets(given, probe),
        "weights": lambda _, probe: asking.weights(given, probe),
        "notify": lambda _, probe: asking.notify(given, probe),
    }
    for one in asked.probes:
        probe = asking.Probe(scene, one, ask[one.kind])
        yield Mild(probe) if one.severity == "warn" else probe


def _learn(scene: Scene, asked: ChecksModel) -> None:
    """Have the environment file's secrets known before any check runs: programs may print them."""
    secrets = asked.secrets if isinstance(asked.secrets, SecretsCheck) else SecretsCheck()
    with suppress(FileProblem):
        given = secret_file.read(scene.base / secrets.file, os.environ)
        for values in (given.values, given.written):
            SECRETS.add(secret_file.secrets_of(values, secrets.public, SHORTEST).values())
