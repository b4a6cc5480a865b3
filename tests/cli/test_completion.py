"""Shell completion: what bash and zsh are given, and that it costs `--help` nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
BASH = """
eval "$(_CANARYCTL_COMPLETE=source_bash canaryctl)"
for line in "canaryctl ro" "canaryctl rollout --st" "canaryctl weights s" "canaryctl report --h"; do
  COMP_WORDS=($line) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
  _canaryctl_completion canaryctl
  echo "$line: ${COMPREPLY[*]}"
done
"""


def run(command: list[str], **more: str) -> str:
    env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **more}
    return subprocess.run(
        command, env=env, capture_output=True, text=True, check=True, timeout=300
    ).stdout


def test_bash_completes_verbs_and_options() -> None:
    assert run(["bash", "--norc", "-c", BASH]).splitlines() == [
        "canaryctl ro: rollout rollback",
        "canaryctl rollout --st: --stages",
        "canaryctl weights s: set",
        "canaryctl report --h: --html --help",
    ]


def test_zsh_is_given_verbs_with_what_they_do() -> None:
    program = str(BIN / "canaryctl")
    script = run([program], _CANARYCTL_COMPLETE="source_zsh")
    assert script.lstrip().startswith("#compdef canaryctl")
    words = "canaryctl rep"
    found = run([program], _CANARYCTL_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS=words)
    assert found.startswith("_arguments '*: :((")
    assert '"replay":' in found
    assert '"report":' in found
    # It goes through eval: every apostrophe of a sentence is doubled, as zsh's RC_QUOTES has it.
    assert found.count("'") % 2 == 0


@pytest.mark.parametrize("option", ["--install-completion", "--show-completion"])
def test_it_is_in_the_help(option: str) -> None:
    assert option in run([str(BIN / "canaryctl"), "--help"])


def test_help_imports_nothing_that_only_a_verb_needs() -> None:
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "canaryctl", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stderr
    imported = {line.rpartition("|")[2].strip() for line in said.splitlines()}
    assert "canaryctl.cli.report" in imported
    for costly in ("jinja2", "sqlite3", "canaryctl.reporting", "canaryctl.cli.schema_rollout"):
        assert costly not in imported
