"""The command line itself: where --config may stand, one message, the right exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from canaryctl.cli.app import hoisted
from canaryctl.cli.flags import planned, release_of, seconds_of, sentence, weight_of
from canaryctl.config import loads
from canaryctl.core.errors import ConfigError
from tests.config.test_load import EXAMPLE


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "DOCKER_HOST": f"unix://{cwd}/no-engine.sock",
        "CANARYCTL_STATE_DIR": str(cwd / "state"),
    }
    return subprocess.run(
        [sys.executable, "-m", "canaryctl", *arguments],
        cwd=cwd,
        env={**environment, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "canary.yaml").write_text(EXAMPLE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("given", "front"),
    [
        (["status", "--config", "x"], ["--config", "x", "status"]),
        (["--config", "x", "status"], ["--config", "x", "status"]),
        (["rollout", "--config=x", "--dry-run"], ["--config=x", "rollout", "--dry-run"]),
        (["weights", "set", "--", "--config"], ["weights", "set", "--", "--config"]),
        (["status", "--config"], ["status", "--config"]),
    ],
)
def test_config_may_stand_before_or_after_the_verb(given: list[str], front: list[str]) -> None:
    assert hoisted(given) == front


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--stages", "5,1"], "--stages '5,1': stages rise: 1 does not come after 5"),
        (["--stages", "101"], "--stages '101': a weight lies between 0 and 100 %"),
        (["--stages", ""], "--stages '': at least one stage"),
        (["--stages", "1,x"], "--stages '1,x': a weight is a percentage"),
        (["--observation-period", "-5"], "--observation-period '-5': a duration is not negative"),
        (["--observation-period", "0"], "--observation-period '0': longer than 0 s"),
        (["--interval", "often"], "--interval 'often': a duration is written"),
        (["--version", "v1; rm"], "--version 'v1; rm': a release is written like v0.2.0"),
    ],
)
def test_a_wrong_flag_is_named_and_touches_nothing(home: Path, flags: list[str], said: str) -> None:
    ended = run("rollout", "--version", "v0.2.0", *flags, cwd=home)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"canaryctl: {said}")
    assert "Traceback" not in ended.stderr


def test_no_configuration_says_how_one_is_made(tmp_path: Path) -> None:
    ended = run("status", cwd=tmp_path)
    assert ended.returncode == 2
    assert "canaryctl init" in ended.stderr


def test_an_error_in_json_stands_alone_on_stdout(home: Path) -> None:
    ended = run("rollout", "--version", "v1", "--output", "json", cwd=home)
    assert ended.returncode == 4
    said = json.loads(ended.stdout)
    assert (said["event"], said["exit_code"]) == ("error", 4)
    assert said["message"] in ended.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rollout --output json", "Missing option '--version'."),
        ("rollout --nope --output json", "No such option: --nope"),
        ("check --output=json", "Missing "),
        ("approve -o json", "Missing option '--as'."),
        ("demo --fault zz -ojson", "Invalid value for '--fault'"),
        ("simulate --rate -1 --output json", "No such option: --rate"),
        ("nonsense --output json", "No such command 'nonsense'."),
        ("weights set -ojson", "Missing argument 'weight'."),
    ],
)
def test_a_wrong_command_line_is_told_in_json_too(home: Path, line: str, said: str) -> None:
    ended = run(*line.split(), cwd=home)
    assert ended.returncode == 2
    assert "Usage: canaryctl" in ended.stderr
    told = json.loads(ended.stdout)
    assert (told["event"], told["error"], told["exit_code"]) == ("error", "UsageError", 2)
    assert told["message"].startswith(said)
    assert told["next_step"].endswith("--help`")


def test_a_wrong_command_line_is_told_to_people_alone_without_json(home: Path) -> None:
    ended = run("rollout", "--nope", cwd=home)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.endswith("Error: No such option: --nope\n")
    bare = run(cwd=home)
    assert bare.returncode == 2
    assert "Traceback" not in bare.stderr


def test_a_rollback_that_cannot_be_proven_ends_with_3(home: Path) -> None:
    ended = run("rollback", cwd=home)
    assert ended.returncode == 3
    assert "0 % could not be proven" in ended.stderr


def test_the_state_of_an_unreachable_gateway_is_unknown(home: Path) -> None:
    for verb in (["status"], ["weights"]):
        ended = run(*verb, cwd=home)
        assert ended.returncode == 3
        assert "Traceback" not in ended.stderr


def test_a_weight_set_by_hand_is_checked_first(home: Path) -> None:
    for wrong in ("101", "-1", "x", "0.001", "nan"):
        ended = run("weights", "set", "--", wrong, cwd=home)
        assert ended.returncode == 2, wrong
        assert "Traceback" not in ended.stderr


def test_help_and_version(tmp_path: Path) -> None:
    assert run("--help", cwd=tmp_path).returncode == 0
    assert run("--version", cwd=tmp_path).stdout.startswith("canaryctl 0.")
    assert run("nonsense", cwd=tmp_path).returncode == 2


def test_flags_go_over_the_plan() -> None:
    config = loads(EXAMPLE)
    changed = planned(
        config, stages=("--stages", "0.5,50"), observe=("--observation-period", "900")
    )
    plan = changed.core_plan()
    assert [str(stage.weight) for stage in plan.stages] == ["0.5", "50"]
    assert plan.stages[0].observe == 900
    assert plan.interval == config.core_plan().interval
    assert planned(config, stages=("--stages", None)) is config


def test_single_flags() -> None:
    assert str(weight_of("N", "0.01%")) == "0.01"
    assert seconds_of("--window", "1h30m") == 5400
    assert release_of("v0.2.0-rc.1+b7") == "v0.2.0-rc.1+b7"
    assert sentence("--reason", " two\nlines ") == "two lines"
    for wrong in ("\x1b[31m", "x" * 400):
        with pytest.raises(ConfigError, match="--reason"):
            sentence("--reason", wrong)
