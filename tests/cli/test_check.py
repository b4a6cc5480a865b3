"""``canaryctl check`` and ``canaryctl release`` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from canaryctl.cli import check, release
from canaryctl.cli.context import Context
from canaryctl.cli.init_checks import CHECKS
from canaryctl.config import loads
from canaryctl.config.checks import (
    ArtifactsCheck,
    ChecksModel,
    MigrationsCheck,
    ReleaseCheck,
    RunbookCheck,
    SecretsCheck,
)
from canaryctl.config.probes import ProbeModel
from canaryctl.core.errors import ConfigError
from tests.checking.shop import CANARY, SECRET, Shop
from tests.checking.shops import git_of_nobody, shop, shops, unreleased

__all__ = ["git_of_nobody", "shop", "shops", "unreleased"]
DECLARED = """\
checks:
  release: {checkpoints: "models/*.pt"}
  migrations: {files: "migrations/*.sql", applied: [cat, applied.txt]}
  artifacts: {files: ["dist/*"]}
"""


def run(shop: Shop, *arguments: str, config: str = "canary.yaml") -> Result:
    app = typer.Typer()
    check.register(app)
    release.register(app)
    return CliRunner().invoke(app, [*arguments], obj=Context(shop.path / config))


@pytest.fixture
def declared(unreleased: Shop) -> Shop:
    unreleased.write("canary.yaml", CANARY + DECLARED)
    unreleased.commit("Declared")
    return unreleased


def test_from_no_release_to_one_that_is_checked(declared: Shop) -> None:
    before = run(declared, "check", "--version", "v0.2.0")
    assert before.exit_code == 4
    assert "✗ release" in before.stdout
    assert "next: `canaryctl release v0.2.0` writes it" in before.stdout
    rehearsed = run(declared, "release", "v0.2.0", "--dry-run")
    assert rehearsed.exit_code == 0
    assert "nothing is changed" in rehearsed.stdout
    assert "Manifest-SHA256: " in rehearsed.stdout
    assert not declared.git("tag")
    assert not (declared.path / "releases").exists()
    made = run(declared, "release", "v0.2.0")
    assert made.exit_code == 0
    assert made.stdout.startswith("RELEASED  v0.2.0 at ")
    again = run(declared, "release", "v0.2.0")
    assert again.exit_code == 0
    assert "v0.2.0 is there already" in again.stdout
    after = run(declared, "check", "--version", "v0.2.0", "--strict")
    assert after.exit_code == 0, after.stdout
    lines = after.stdout.splitlines()
    assert lines[0] == "CHECK  shop v0.2.0: 5 checks"
    assert [line.split()[:2] for line in lines[2:7]] == [
        ["✓", name] for name in ("release", "migrations", "secrets", "artifacts", "runbook")
    ]
    assert len({line.index(" s  ") for line in lines[2:7]}) == 1
    assert lines[-1] == "PASSED  v0.2.0: 5 passed"
    assert SECRET not in after.stdout


def test_what_nobody_can_tell_fails_only_when_strict(unreleased: Shop) -> None:
    unreleased.release()
    unreleased.write("canary.yaml", CANARY)
    mild = run(unreleased, "check", "--version", "v0.2.0")
    assert mild.exit_code == 0
    assert "– migrations" in mild.stdout
    assert "declare checks.migrations" in mild.stdout
    assert mild.stdout.endswith("PASSED  v0.2.0: 4 passed, 1 unknown\n")
    strict = run(unreleased, "check", "--version", "v0.2.0", "--strict")
    assert strict.exit_code == 4
    assert "FAILED  v0.2.0: 4 passed, 1 unknown; with --strict these fail" in strict.stdout
    unreleased.write("off.yaml", CANARY + "checks: {migrations: off}\n")
    off = run(unreleased, "check", "--version", "v0.2.0", "--strict", config="off.yaml")
    assert off.exit_code == 0
    assert off.stdout.endswith("PASSED  v0.2.0: 4 passed, 1 off\n")


def test_machines_get_one_object(declared: Shop) -> None:
    ran = run(declared, "check", "--version", "v0.2.0", "--output", "json")
    assert ran.exit_code == 4
    said = json.loads(ran.stdout)
    assert (said["event"], said["version"], said["passed"]) == ("check", "v0.2.0", False)
    assert said["checks"][0]["name"] == "release"
    assert {one["status"] for one in said["checks"]} == {"pass", "fail"}
    made = json.loads(run(declared, "release", "v0.2.0", "-o", "json").stdout)
    assert made["tag"]["made"]
    assert [one["path"] for one in made["artifacts"]] == ["dist/app.tar", "models/ppo.pt"]
    again = json.loads(run(declared, "release", "v0.2.0", "-o", "json").stdout)
    assert again["already_there"]
    assert not again["tag"]["made"]


def test_a_message_that_nobody_is_there_to_get_fails(unreleased: Shop) -> None:
    off = "{release: off, migrations: off, secrets: off, artifacts: off, runbook: off, probes: "
    unreleased.write("canary.yaml", f"{CANARY}checks: {off}[{{name: alerts, notify: true}}]}}\n")
    ran = run(unreleased, "check", "--version", "v0.2.0")
    assert ran.exit_code == 4
    assert "✗ alerts" in ran.stdout
    assert "there is nothing under `notify`\n" in ran.stdout
    assert "next: add a channel, see docs/notifications.md" in ran.stdout


@pytest.mark.parametrize("version", ["--force", "v1/../../x", "", "v1 x", "v1\n", "-d"])
def test_a_version_that_is_none_reaches_nobody(declared: Shop, version: str) -> None:
    for arguments in (["check", "--version", version], ["release", "--", version]):
        ran = run(declared, *arguments)
        assert ran.exit_code != 0
        assert isinstance(ran.exception, ConfigError)
        assert "is written like v0.2.0" in str(ran.exception)
    assert not declared.git("tag")


def test_a_name_that_git_takes_for_none_is_a_wrong_version(declared: Shop) -> None:
    ran = run(declared, "release", "v0..2")
    assert isinstance(ran.exception, ConfigError)
    assert "git takes no tag" in str(ran.exception)


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ("{relase: off}", "did you mean 'release'?"),
        ("{release: on}", "checks.release"),
        ("{secrets: [a]}", "checks.secrets: a mapping is expected, or off, and not a list"),
        ("{migrations: [a]}", "checks.migrations[0]: a mapping is expected"),
        ("{release: {checkpoints: ../x}}", "a path below the folder of canary.yaml"),
        ("{release: {checkpoints: /etc/*}}", "a path below the folder of canary.yaml"),
        ("{artifacts: {manifest: a.json}}", "manifest holds {version}"),
        ("{migrations: {applied: [x]}}", "give files, or expect with applied"),
        ("{migrations: {expect: a}}", "expect is compared"),
        ("{migrations: [{files: a}, {files: b}]}", "each of several has a name"),
        ("{migrations: {files: a, applied: alembic current}}", "such as [make, test]"),
        ("{secrets: {required: [a-b]}}", "checks.secrets.required"),
        ("{runbook: {procedures: ['--']}}", "the words of a heading"),
        ("{probes: [{name: a}]}", "give one of command, tcp"),
        ("{probes: [{name: a, tcp: 'x:1', http: 'http://x'}]}", "'a' has tcp and http"),
        ("{probes: [{name: a, tcp: 'x'}]}", "checks.probes[0].tcp"),
        ("{probes: [{name: a, tcp: 'x:70000'}]}", "no port between 1 and 65535"),
        ("{probes: [{name: a, tcp: 'x:1', status: 200}]}", "status belongs to http"),
        ("{probes: [{name: a, tcp: 'x:1', json: {a: 1}}]}", "json belongs to http"),
        ("{probes: [{name: runbook, tcp: 'x:1'}]}", "the name 'runbook' is used twice"),
        ("{probes: [{name: a, prometheus: {job: x}}]}", "needs metrics.provider: prometheus"),
        ("{probes: [{name: a, weights: 0.001}]}", "finer"),
        (
            "{probes: [{name: a, dashboard: ../../x.json}]}",
            "a path below the folder of canary.yaml",
        ),
        ("{probes: [{name: a, dashboard: /etc/x.json}]}", "checks.probes[0].dashboard"),
        ("{probes: [{name: a, notify: false}]}", "checks.probes[0].notify"),
    ],
)
def test_a_wrong_section_is_said_with_its_key(checks: str, said: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        loads(f"{CANARY}checks: {checks}\n")
    assert said in str(wrong.value)
    assert str(wrong.value).startswith("canary.yaml:")


def test_headers_of_a_probe_are_secrets(tmp_path: Path) -> None:
    from canaryctl.cli.config_text import as_yaml  # noqa: PLC0415

    probe = "{name: a, http: 'http://x/', headers: {X-Key: hunter2-of-it}, json: {a: 1}}"
    config = loads(f"{CANARY}checks: {{secrets: {{file: .env}}, probes: [{probe}]}}\n")
    text = as_yaml(config)
    assert "hunter2-of-it" not in text
    assert "file: .env" in text
    (tmp_path / "again.yaml").write_text(text)
    again = loads(text)
    assert again.checks.probes[0].json_fields == {"a": 1}


def test_the_example_that_init_writes_loads() -> None:
    lines = [line.removeprefix("# ") for line in CHECKS.splitlines() if line.startswith("#")]
    begin = lines.index("checks:")
    example = "\n".join(lines[begin:])
    source = "metrics: {provider: prometheus}\n"
    config = loads(f"{CANARY}{source}{example}\n", environment={"KEY": "k"})
    assert [one.kind for one in config.checks.probes][-2:] == ["notify", "weights"]
    known = {*ChecksModel.model_fields, *ProbeModel.model_fields, *SecretsCheck.model_fields}
    known |= {*ReleaseCheck.model_fields, *ArtifactsCheck.model_fields, *RunbookCheck.model_fields}
    known |= {*MigrationsCheck.model_fields}
    missing = {one for one in known - {"json_fields"} if one not in CHECKS}
    assert not missing
