"""The recipe for CI in docs/check.md, played with git: a tag is checked out and checked."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from canaryctl.cli import check, release
from canaryctl.cli.context import Context
from tests.checking.shop import CANARY, Shop
from tests.checking.shops import git_of_nobody, shop, shops, unreleased
from tests.cli.test_check import DECLARED

__all__ = ["git_of_nobody", "shop", "shops", "unreleased"]
PAGE = Path(__file__).resolve().parents[2] / "docs/check.md"


def recipe() -> list[dict[str, Any]]:
    section = PAGE.read_text(encoding="utf-8").partition("## In CI")[2]
    block = re.search(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert block is not None
    (job,) = yaml.safe_load(block[1])["jobs"].values()
    steps: list[dict[str, Any]] = job["steps"]
    return steps


def run(shop: Shop, *arguments: str) -> Result:
    app = typer.Typer()
    check.register(app)
    release.register(app)
    return CliRunner().invoke(app, [*arguments], obj=Context(shop.path / "canary.yaml"))


@pytest.fixture
def pushed(unreleased: Shop) -> Shop:
    """A shop whose release was made, committed and pushed as the command says it."""
    unreleased.write("canary.yaml", CANARY + DECLARED)
    unreleased.commit("Declared")
    remote = unreleased.path / "remote.git"
    unreleased.git("init", "--quiet", "--bare", str(remote))
    unreleased.git("remote", "add", "origin", str(remote))
    made = run(unreleased, "release", "v0.2.0")
    assert made.exit_code == 0, made.stdout
    unreleased.git("add", "CHANGELOG.md", "releases/v0.2.0.json")
    unreleased.git("commit", "--quiet", "--message", "Notes")
    push = re.search(r"`git (push .*)`", made.stdout)
    assert push is not None
    unreleased.git(*shlex.split(push[1]))
    return unreleased


def checked_out(pushed: Shop, to: Path, given: dict[str, Any]) -> Shop:
    """Do what actions/checkout does, then put in place what git does not have."""
    depth = ["--depth", str(given["fetch-depth"])] if given["fetch-depth"] else []
    remote = (pushed.path / "remote.git").as_uri()
    pushed.git("clone", "--quiet", *depth, "--branch", given["ref"], remote, str(to))
    clone = Shop(to)
    for path in ("dist/app.tar", "models/ppo.pt", ".env"):
        clone.write(path, (pushed.path / path).read_text())
    (to / ".env").chmod(0o600)
    return clone


def test_the_recipe_passes_as_it_stands(
    pushed: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkout, *_, last = recipe()
    place = tmp_path_factory.mktemp("ci") / "shop"
    clone = checked_out(pushed, place, checkout["with"])
    ran = run(clone, *shlex.split(last["run"])[1:])
    assert ran.exit_code == 0, ran.stdout
    commit = pushed.git("rev-parse", "--short=10", "main")
    assert f"releases/v0.2.0.json (of commit {commit}): 2 files as released" in ran.stdout
    assert clone.git("status", "--porcelain") == ""
    clone.git("checkout", "--quiet", "main")


def test_a_shallow_clone_is_told_what_to_fetch(
    pushed: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("ci") / "shop"
    clone = checked_out(pushed, place, {"ref": "v0.2.0", "fetch-depth": 1})
    ran = run(clone, "check", "--version", "v0.2.0", "--strict")
    assert ran.exit_code == 4
    assert "the manifest releases/v0.2.0.json is not there" in ran.stdout
    fetch = re.search(r"`git (fetch [^`]*)`", ran.stdout)
    assert fetch is not None
    clone.git(*shlex.split(fetch[1]))
    ran = run(clone, "check", "--version", "v0.2.0", "--strict")
    assert ran.exit_code == 0, ran.stdout


def test_a_manifest_that_the_tag_does_not_name_is_not_taken(pushed: Shop) -> None:
    place = pushed.path / "releases/v0.2.0.json"
    changed = place.read_text().replace('"size": 5', '"size": 6')
    pushed.git("checkout", "--quiet", "--orphan", "other")
    place.write_text(changed)
    pushed.git("commit", "--quiet", "--all", "--message", "Changed")
    pushed.git("branch", "--quiet", "--delete", "--force", "main")
    pushed.git("remote", "remove", "origin")
    pushed.git("checkout", "--quiet", "v0.2.0")
    ran = run(pushed, "check", "--version", "v0.2.0")
    assert ran.exit_code == 4
    assert "the manifest releases/v0.2.0.json is not there" in ran.stdout


def test_a_large_manifest_is_read_whole(pushed: Shop) -> None:
    for number in range(600):
        pushed.write(f"dist/{number:03}-of-the-many-files-of-this-release.txt", "x")
    assert run(pushed, "release", "v0.3.0").exit_code == 0
    assert (pushed.path / "releases/v0.3.0.json").stat().st_size > 100_000
    pushed.commit("Notes")
    pushed.git("checkout", "--quiet", "v0.3.0")
    ran = run(pushed, "check", "--version", "v0.3.0")
    assert ran.exit_code == 0, ran.stdout
    assert "602 files as released" in ran.stdout
