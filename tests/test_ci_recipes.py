"""The pipelines in docs/ci are complete YAML, and every command in them exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_docs import REGISTRIES, complaint

FOLDER = Path(__file__).parent.parent / "docs/ci"
GITHUB, GITLAB = FOLDER / "github-actions.yml", FOLDER / "gitlab-ci.yml"
RECIPES = sorted(FOLDER.glob("*"))


def parsed(recipe: Path) -> Any:
    return yaml.safe_load(recipe.read_text(encoding="utf-8"))


def scripts(found: Any) -> Iterator[str]:
    """Give every line that a job runs."""
    if isinstance(found, list):
        for one in found:
            yield from scripts(one)
    if not isinstance(found, dict):
        return
    for key, value in found.items():
        if key in ("run", "script", "before_script", "after_script"):
            yield from value if isinstance(value, list) else value.splitlines()
        else:
            yield from scripts(value)


def commands(recipe: Path) -> list[str]:
    lines = [line.removeprefix("exec ") for line in scripts(parsed(recipe))]
    # A CI system fills its own placeholders in before a shell sees the line.
    return [re.sub(r"\$\{\{.*?\}\}", "7", line) for line in lines if line.startswith("canaryctl ")]


def test_both_are_there() -> None:
    assert RECIPES == [GITHUB, GITLAB]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_command_in_it_exists(recipe: Path) -> None:
    found = commands(recipe)
    assert not {one: said for one in found if (said := complaint(one))}
    assert any("--dry-run" in one for one in found)
    assert any(re.fullmatch(r'canaryctl rollout --version "\$\w+"', one) for one in found)
    assert any("canaryctl report --html" in one for one in found)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_no_registry_is_named(recipe: Path) -> None:
    assert REGISTRIES.findall(recipe.read_text(encoding="utf-8")) == []


def test_github_rolls_out_one_at_a_time_on_tags_only() -> None:
    recipe = parsed(GITHUB)
    triggers = recipe[True]  # YAML 1.1 reads `on` as a boolean; the forge does not
    assert triggers == {"pull_request": None, "push": {"tags": ["v*"]}}
    assert recipe["permissions"] == {"contents": "read"}
    job = recipe["jobs"]["rollout"]
    assert job["if"] == "startsWith(github.ref, 'refs/tags/v')"
    assert job["concurrency"] == {"group": "canary-production", "cancel-in-progress": False}
    assert job["env"]["PROMETHEUS_TOKEN"] == "${{ secrets.PROMETHEUS_TOKEN }}"  # noqa: S105
    # What others name (branches, tags) reaches a shell through the environment alone.
    for line in scripts(recipe):
        for name in re.findall(r"\$\{\{(.*?)\}\}", line):
            assert name.strip() == "github.event.number"
    assert [step.get("if") for step in job["steps"]][-2:] == ["always()", "always()"]
    assert any(one.startswith("exec canaryctl rollout") for one in scripts(job))


def test_gitlab_rolls_out_one_at_a_time_on_tags_only() -> None:
    recipe = parsed(GITLAB)
    job = recipe["rollout"]
    assert job["rules"] == [{"if": "$CI_COMMIT_TAG =~ /^v/"}]
    assert job["resource_group"]
    assert job["interruptible"] is False
    assert job["artifacts"]["when"] == "always"
    assert {recipe[one]["stage"] for one in ("plan", "rollout")} == set(recipe["stages"])
