"""The check of the release tag and the checkpoints, on real git repositories."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from canaryctl.checking.finding import Finding, Status
from tests.checking.shop import VERSION, Shop


def look(shop: Shop) -> Finding:
    return shop.check(only="release")["release"]


def test_every_check_passes_where_everything_is_ready(shop: Shop) -> None:
    found = shop.check()
    assert {name: one.status for name, one in found.items()} == dict.fromkeys(
        ("release", "migrations", "secrets", "artifacts", "runbook"), Status.PASS
    )
    assert not any(one.mend for one in found.values())
    assert "1 checkpoint" in found["release"].reason


def test_committing_what_the_release_wrote_changes_nothing(shop: Shop) -> None:
    shop.commit("Notes of v0.2.0")
    assert look(shop).status is Status.PASS


def deleted(shop: Shop) -> None:
    shop.git("tag", "--delete", VERSION)


def a_branch(shop: Shop) -> None:
    deleted(shop)
    shop.git("branch", VERSION)


def lightweight(shop: Shop) -> None:
    deleted(shop)
    shop.git("tag", VERSION)


def of_a_folder(shop: Shop) -> None:
    deleted(shop)
    shop.git("tag", "--annotate", "--message", "x", VERSION, "HEAD^{tree}")


def on_another_branch(shop: Shop) -> None:
    deleted(shop)
    shop.git("checkout", "--quiet", "-b", "feature")
    shop.write("feature.py", "x = 1\n")
    shop.git("add", "feature.py")
    shop.git("commit", "--quiet", "--message", "A feature")
    shop.git("tag", "--annotate", "--message", "x", VERSION)
    shop.git("checkout", "--quiet", "main")


def moved(shop: Shop) -> None:
    shop.write("more.py", "x = 1\n")
    shop.git("add", "more.py")
    shop.git("commit", "--quiet", "--message", "More")
    shop.git("tag", "--annotate", "--force", "--message", "x", VERSION)


def no_repository(shop: Shop) -> None:
    (shop.path / ".git").rename(shop.path / "gone")


def no_checkpoint(shop: Shop) -> None:
    (shop.path / "models/ppo.pt").unlink()


def empty_checkpoint(shop: Shop) -> None:
    shop.write("models/other.pt", "")


def linked_checkpoint(shop: Shop) -> None:
    (shop.path / "models/ppo.pt").rename(shop.path / "elsewhere")
    (shop.path / "models/ppo.pt").symlink_to("../elsewhere")


def pointer(shop: Shop) -> None:
    shop.write("models/ppo.pt", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n")


@pytest.mark.parametrize(
    ("spoil", "reason", "mend"),
    [
        (deleted, "there is no tag v0.2.0 here", "git fetch --tags"),
        (a_branch, "there is a branch v0.2.0, which is none", "canaryctl release v0.2.0"),
        (lightweight, "is a lightweight one", "canaryctl release v0.2.0"),
        (of_a_folder, "leads to no commit", "git tag --delete v0.2.0"),
        (on_another_branch, "does not contain that", "git checkout v0.2.0"),
        (moved, "releases/v0.2.0.json is of commit", "put it back"),
        (no_repository, "is in no git repository", "release: off"),
        (no_checkpoint, "no checkpoint matches models/*.pt", "put it there"),
        (empty_checkpoint, "models/other.pt is empty (0 bytes)", "copy models/other.pt anew"),
        (linked_checkpoint, "through a symbolic link", "put the file itself"),
        (pointer, "is a pointer of git-lfs", "git lfs pull"),
    ],
)
def test_a_broken_release_fails_and_says_the_mend(
    shop: Shop, spoil: Callable[[Shop], None], reason: str, mend: str
) -> None:
    spoil(shop)
    found = look(shop)
    assert found.status is Status.FAIL
    assert reason in found.reason
    assert mend in found.mend + found.reason


def test_a_newer_checkout_is_a_warning(shop: Shop) -> None:
    shop.write("more.py", "x = 1\n")
    shop.commit()
    found = look(shop)
    assert found.status is Status.WARN
    assert "more.py" in found.reason


def test_changed_files_are_a_warning(shop: Shop) -> None:
    shop.write("docs/runbook.md", "changed")
    assert look(shop).status is Status.WARN
    assert "docs/runbook.md" in look(shop).reason


def test_a_folder_below_the_root_is_looked_at_from_there(unreleased: Shop) -> None:
    unreleased.write("below/.gitignore", "models/\n")
    unreleased.write("below/CHANGELOG.md", "# Changes\n")
    unreleased.commit()
    below = Shop(unreleased.path / "below")
    below.write("models/a.pt", "x")
    below.release(artifacts={})
    assert "## v0.2.0" in (below.path / "CHANGELOG.md").read_text()
    assert look(below).status is Status.PASS
    below.commit()
    assert look(below).status is Status.PASS


def test_without_git_nobody_can_tell(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(shop.path))
    found = shop.check(migrations="off")
    assert found["release"].status is Status.FAIL
    assert found["release"].mend == "install git"
    assert found["secrets"].status is Status.UNKNOWN
