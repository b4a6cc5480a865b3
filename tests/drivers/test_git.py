"""What git is asked, however its user has it write its answers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.git import Git

SUBJECT = "Mend the gauge \N{EM DASH} at last"


class Repository:
    """A repository with a folder below its root, in which git is asked."""

    def __init__(self, root: Path) -> None:
        self.root, self.below = root, root / "below"
        self.below.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("config", "user.name", "Ann")
        self.git("config", "user.email", "ann@example.com")
        (root / "README").write_text("hello\n")
        (self.below / "leaked.txt").write_text("the s3cr3t-word\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", SUBJECT)

    def git(self, *arguments: str) -> str:
        ran = subprocess.run(
            ["git", "-C", str(self.root), *arguments], check=True, capture_output=True, text=True
        )
        return ran.stdout.strip()

    @property
    def asked(self) -> Git:
        return Git(self.below, SystemClock())


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    root = tmp_path / "repository"
    root.mkdir()
    return Repository(root)


def signed(repository: Repository) -> None:
    """Sign the last commit, as an SSH key of the user does it."""
    key = repository.root.parent / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)],
        check=True,
        capture_output=True,
    )
    for name, value in {"gpg.format": "ssh", "user.signingKey": f"{key}.pub"}.items():
        repository.git("config", name, value)
    repository.git("commit", "--quiet", "--amend", "--no-edit", "--gpg-sign")


def test_signatures_that_the_user_has_shown_are_no_part_of_an_answer(
    repository: Repository,
) -> None:
    signed(repository)
    repository.git("config", "log.showSignature", "true")
    head = repository.git("rev-parse", "HEAD")
    assert repository.asked.committed_at(head) > 1e9
    assert repository.asked.subjects() == (SUBJECT,)
    found = repository.asked.committed_in("leaked.txt")
    assert found is not None
    assert head.startswith(found)


@pytest.mark.parametrize("name", ["diff.relative", "diff.noprefix", "log.follow"])
def test_what_lies_beside_the_folder_counts_too(repository: Repository, name: str) -> None:
    repository.git("config", name, "true")
    first = repository.git("rev-parse", "HEAD")
    (repository.root / "README").write_text("changed\n")
    assert repository.asked.uncommitted() == {"README"}
    repository.git("commit", "--quiet", "--all", "--message", "More")
    assert repository.asked.changed_since(first) == {"README"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("color.ui", "always"),
        ("color.grep", "always"),
        ("color.diff", "always"),
        ("grep.fullName", "true"),
        ("grep.lineNumber", "true"),
        ("grep.patternType", "perl"),
        ("core.quotePath", "true"),
        ("i18n.logOutputEncoding", "ISO-8859-1"),
    ],
)
def test_names_and_subjects_are_plain(repository: Repository, name: str, value: str) -> None:
    repository.git("config", name, value)
    assert repository.asked.holding(["s3cr3t-word"]) == {"leaked.txt"}
    assert repository.asked.subjects() == (SUBJECT,)
    (repository.below / "leaked.txt").write_text("more\n")
    assert repository.asked.uncommitted() == {"below/leaked.txt"}


def test_who_the_user_is_still_counts(repository: Repository) -> None:
    repository.git("config", "tag.gpgSign", "true")
    signed(repository)
    head = repository.git("rev-parse", "HEAD")
    repository.asked.make_tag("v1", head, "v1\n")
    made = repository.asked.tag("v1")
    assert made is not None
    assert made.annotated
    assert "BEGIN SSH SIGNATURE" in made.message
    assert repository.git("for-each-ref", "--format=%(taggername)", "refs/tags/v1") == "Ann"
