"""What patterns match, and why a name cannot be taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from canaryctl.drivers import tree as module
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.tree import FileProblem, TooSlowError, Tree


def written(root: Path, *paths: str) -> Tree:
    for path in paths:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("x")
    return Tree(root)


@pytest.mark.parametrize("pattern", ["dist/**", "dist/**/", "dist/**/*"])
def test_two_stars_at_the_end_are_every_file_below(tmp_path: Path, pattern: str) -> None:
    tree = written(tmp_path, "dist/a.tar", "dist/b/c/d.tar", "other/e.tar")
    assert tree.matched(pattern) == ("dist/a.tar", "dist/b/c/d.tar")


@pytest.mark.parametrize("pattern", ["**", "**/*", "*", ".git/*", ".git"])
def test_what_git_keeps_is_nobodys_file(tmp_path: Path, pattern: str) -> None:
    tree = written(tmp_path, ".git/HEAD", ".git/refs/tags/v1", "a", "below/.git")
    assert tree.matched(pattern) == (() if pattern.startswith(".git") else ("a",))


def test_what_is_not_in_place_yet_is_nobodys_file(tmp_path: Path) -> None:
    assert written(tmp_path, ".a.canaryctl-new", "a").matched("*") == ("a",)


def test_many_folders_hide_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 2)
    tree = written(tmp_path, *(f"{one}/x" for one in "abcdefg"), "z")
    assert tree.matched("*") == ("z",)
    with pytest.raises(FileProblem, match="matches more than 2 files"):
        tree.matched("**")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a\N{NO-BREAK SPACE}b", r"has a character in its name that nobody sees \(U\+00A0\)"),
        ("a\nb", r"has a character in its name that nobody sees \(U\+000A\)"),
        ("a\\b", "has a backslash in its name"),
        (os.fsdecode(b"a\xff"), "has a name that is not UTF-8"),
    ],
)
def test_a_name_that_no_manifest_takes_is_said(tmp_path: Path, name: str, why: str) -> None:
    tree = written(tmp_path, name)
    (path,) = tree.matched("*")
    with pytest.raises(FileProblem, match=f"^{why}") as refused:
        tree.size(path)
    assert refused.value.mend == "rename it, or have no pattern match it"


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "b/./a", "."])
def test_a_path_that_leaves_the_tree_is_said(tmp_path: Path, path: str) -> None:
    with pytest.raises(FileProblem, match="leaves the folder of canary"):
        Tree(tmp_path).size(path)


def test_what_takes_too_long_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(TooSlowError, match="takes too long to read"):
        written(tmp_path, "a").digest("a", SystemClock(), 0.0)
