"""Making a release: all checked first, and a kill at any moment leaves what the next run ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from canaryctl.checking.finding import Status
from canaryctl.core import manifest
from canaryctl.core.errors import CanaryctlError, ConfigError
from canaryctl.drivers.clock import SystemClock
from canaryctl.releasing import changelog
from canaryctl.releasing.make import ReleaseUnfinished, make
from canaryctl.releasing.survey import ReleaseRefused
from tests.checking.shop import VERSION, Shop

MANIFEST = "releases/v0.2.0.json"
ROOT = Path(__file__).resolve().parents[2]


def state(shop: Shop) -> dict[str, bytes]:
    """Give every file of the shop and every reference of git."""
    found = {
        str(one.relative_to(shop.path)): one.read_bytes()
        for one in shop.path.rglob("*")
        if one.is_file() and ".git/" not in f"{one}/"
    }
    return found | {"refs": shop.git("for-each-ref").encode()}


def test_a_release_is_a_tag_a_manifest_and_an_entry(unreleased: Shop) -> None:
    head = unreleased.git("rev-parse", "HEAD")
    made = unreleased.release()
    text = (unreleased.path / MANIFEST).read_text()
    found = manifest.parse(text)
    assert (found.version, found.commit) == (VERSION, head)
    assert [one.path for one in found.artifacts] == ["dist/app.tar", "models/ppo.pt"]
    assert found.artifacts[0].sha256 == (
        "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"
    )
    assert unreleased.git("cat-file", "-t", VERSION) == "tag"
    assert unreleased.git("rev-parse", f"{VERSION}^{{commit}}") == head
    said = unreleased.git("tag", "--list", "--format=%(contents)", VERSION)
    assert manifest.pinned(said) == manifest.fingerprint(text)
    assert (
        (unreleased.path / "CHANGELOG.md").read_text().startswith(f"# Changes\n\n{made.new_entry}")
    )
    assert made.new_entry.endswith("- The shop\n\n")


def test_looking_changes_nothing(unreleased: Shop) -> None:
    before = state(unreleased)
    assert unreleased.survey().message
    assert state(unreleased) == before


@pytest.mark.parametrize("log", ["CHANGELOG.md", "docs/changes.md"])
def test_a_pattern_may_match_the_changelog_and_the_manifest(unreleased: Shop, log: str) -> None:
    checks: dict[str, Any] = {
        "release": {"changelog": log},
        "artifacts": {"files": ["*.md", "docs/*.md", "releases/*.json", "dist/*"]},
    }
    unreleased.write(log, "# Changes\n")
    unreleased.write("releases/v0.1.0.json", "{}")
    unreleased.commit()
    made = unreleased.release(**checks)
    listed = [one.path for one in made.manifest.artifacts]
    assert {"docs/runbook.md", "releases/v0.1.0.json"} <= set(listed)
    assert log not in listed
    assert unreleased.survey(**checks).is_there
    found = unreleased.check(**checks)["artifacts"]
    assert found.status is Status.PASS, found.reason


def test_again_it_is_there_and_is_verified(shop: Shop) -> None:
    before = state(shop)
    assert shop.survey().is_there
    shop.release()
    assert state(shop) == before
    shop.commit("Notes")
    assert shop.survey().is_there


def dirty(shop: Shop) -> None:
    shop.write("docs/runbook.md", "changed")


def staged(shop: Shop) -> None:
    shop.write("new.py", "x")
    shop.git("add", "new.py")


def dirty_changelog(shop: Shop) -> None:
    shop.write("CHANGELOG.md", "# Changes\n\nmine\n")


def no_artifact(shop: Shop) -> None:
    (shop.path / "dist/app.tar").unlink()


def empty_checkpoint(shop: Shop) -> None:
    shop.write("models/ppo.pt", "")


def linked(shop: Shop) -> None:
    (shop.path / "dist/b.tar").symlink_to("/etc/passwd")


def linked_folder(shop: Shop) -> None:
    (shop.path / "elsewhere").mkdir()
    (shop.path / "releases").symlink_to("elsewhere")


def linked_changelog(shop: Shop) -> None:
    (shop.path / "CHANGELOG.md").rename(shop.path / "other")
    (shop.path / "CHANGELOG.md").symlink_to("other")
    shop.commit()


def nobody(shop: Shop) -> None:
    shop.git("config", "user.useConfigOnly", "true")
    shop.git("config", "--unset", "user.email")


def lightweight(shop: Shop) -> None:
    shop.git("tag", VERSION)


def another_commit(shop: Shop) -> None:
    shop.git("tag", "--annotate", "--message", "x", VERSION)
    shop.write("more.py", "x")
    shop.commit()


def no_repository(shop: Shop) -> None:
    (shop.path / ".git").rename(shop.path / "gone")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (dirty, "not committed: docs/runbook.md"),
        (staged, "not committed: new.py"),
        (dirty_changelog, "not committed: CHANGELOG.md"),
        (no_artifact, "no file matches dist/*"),
        (empty_checkpoint, "models/ppo.pt is empty"),
        (linked, "dist/b.tar is reached through a symbolic link"),
        (linked_folder, "symbolic link (releases)"),
        (linked_changelog, "symbolic link (CHANGELOG.md)"),
        (nobody, "in whose name"),
        (lightweight, "is a lightweight one"),
        (another_commit, "is there, on another commit"),
        (no_repository, "is in no git repository"),
    ],
)
def test_what_stands_against_it_is_said_and_nothing_is_changed(
    unreleased: Shop, spoil: Callable[[Shop], None], said: str
) -> None:
    spoil(unreleased)
    before = state(unreleased) if spoil is not no_repository else {}
    with pytest.raises(ReleaseRefused) as refused:
        unreleased.release()
    assert said in str(refused.value)
    assert refused.value.exit_code == 4
    if before:
        assert state(unreleased) == before


def test_without_artifacts_there_is_nothing_to_release(unreleased: Shop) -> None:
    with pytest.raises(ConfigError) as wrong:
        unreleased.survey(artifacts={}, release={})
    assert "checks: {artifacts:" in wrong.value.next_step


def file_changed(shop: Shop) -> None:
    shop.write("dist/app.tar", "imagE")


def manifest_changed(shop: Shop) -> None:
    text = (shop.path / MANIFEST).read_text()
    shop.write(MANIFEST, text.replace('"size": 5', '"size": 6'))


def manifest_of_another(shop: Shop) -> None:
    whole = json.loads((shop.path / MANIFEST).read_text())
    shop.write(MANIFEST, json.dumps({**whole, "commit": "0" * 40}))


def manifest_gone_and_file_changed(shop: Shop) -> None:
    (shop.path / MANIFEST).unlink()
    file_changed(shop)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (file_changed, "dist/app.tar was changed"),
        (manifest_changed, "is not the one that v0.2.0 was made with"),
        (manifest_of_another, "is of v0.2.0 at 0000000000"),
        (manifest_gone_and_file_changed, "the files here are not those"),
    ],
)
def test_a_release_that_does_not_fit_its_tag_is_an_error(
    shop: Shop, spoil: Callable[[Shop], None], said: str
) -> None:
    spoil(shop)
    before = state(shop)
    with pytest.raises(ReleaseRefused, match=said):
        shop.release()
    assert state(shop) == before


def test_a_lost_manifest_is_written_again_as_it_was(shop: Shop) -> None:
    before = state(shop)
    (shop.path / MANIFEST).unlink()
    shop.release()
    assert state(shop) == before


def nothing_done(_: Shop) -> None:
    pass


def manifest_done(shop: Shop) -> None:
    found = shop.survey()
    shop.write(MANIFEST, found.text)


def changelog_done(shop: Shop) -> None:
    found = shop.survey()
    manifest_done(shop)
    assert found.new_changelog is not None
    shop.write("CHANGELOG.md", found.new_changelog)


def half_a_file(shop: Shop) -> None:
    shop.write("releases/.v0.2.0.json.canaryctl-new", '{"ver')
    shop.write(".CHANGELOG.md.canaryctl-new", "# Cha")


def other_manifest(shop: Shop) -> None:
    manifest_done(shop)
    shop.write("dist/app.tar", "a newer image")


@pytest.mark.parametrize(
    "left", [nothing_done, manifest_done, changelog_done, half_a_file, other_manifest]
)
def test_what_a_killed_run_left_is_finished_by_the_next(
    unreleased: Shop, left: Callable[[Shop], None]
) -> None:
    left(unreleased)
    unreleased.release()
    assert unreleased.survey().is_there
    found = unreleased.check()
    assert {one.status.value for one in found.values()} == {"pass"}
    assert (unreleased.path / "CHANGELOG.md").read_text().count("## v0.2.0") == 1


def test_a_folder_that_takes_no_file_is_said(unreleased: Shop) -> None:
    found = unreleased.survey()
    unreleased.write("releases", "a file")
    with pytest.raises(ReleaseUnfinished, match="cannot be written"):
        make(found, unreleased.path, SystemClock())
    assert not unreleased.git("tag")


def test_two_at_once_make_one_release(unreleased: Shop) -> None:
    first, second = unreleased.survey(), unreleased.survey()
    make(first, unreleased.path, SystemClock())
    make(second, unreleased.path, SystemClock())
    assert unreleased.survey().is_there


def test_another_tag_made_meanwhile_is_an_error(unreleased: Shop) -> None:
    found = unreleased.survey()
    unreleased.git("tag", "--annotate", "--message", "x", VERSION)
    with pytest.raises(ReleaseRefused, match="another tag"):
        make(found, unreleased.path, SystemClock())


@pytest.mark.parametrize("milliseconds", [400, 550, 700, 900, 1200])
def test_kill_9_at_any_moment(unreleased: Shop, milliseconds: int) -> None:
    """Wherever it falls, the next run ends it; git, in a session of its own, ends its own step."""
    declared = (
        "checks:\n  release: {checkpoints: ['models/*.pt']}\n  artifacts: {files: ['dist/*']}\n"
    )
    text = (unreleased.path / "canary.yaml").read_text()
    unreleased.write("canary.yaml", text + declared)
    unreleased.commit()
    command = [sys.executable, "-m", "canaryctl", "release", VERSION]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command,
        cwd=unreleased.path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(milliseconds / 1000)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    for _ in range(20):
        try:
            unreleased.release()
        except CanaryctlError:
            continue  # the killed run's last git is still at it
        break
    assert unreleased.survey().is_there
    assert (unreleased.path / "CHANGELOG.md").read_text().count("## v0.2.0") == 1


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("## v0.2.0\n", True),
        ("## [0.2.0] - 2025-01-01\n", True),
        ("# 0.2.0 (unreleased)\n", True),
        ("## 0.2.0: what is new\n", True),
        ("## **v0.2.0**, a small one\r\n", True),
        ("## 0.2.0\N{EM DASH}a small one\n", True),
        ("## 10.2.0: another\n", False),
        ("## v0.2.0-rc1\n", False),
        ("v0.2.0\n", False),
    ],
)
def test_an_entry_is_known_by_its_heading(text: str, has: bool) -> None:
    assert changelog.has_entry(text, VERSION) is has


def test_an_entry_stands_before_all_others() -> None:
    new = changelog.entry(VERSION, "2025-06-30", ["Mend <b>", "\x1b[2Jx"])
    assert new == "## v0.2.0 (2025-06-30)\n\n- Mend &lt;b>\n- [2Jx\n\n"
    assert changelog.with_entry("", new) == "# Changes\n\n" + new
    assert changelog.with_entry("# C\n\n## a\n", new) == f"# C\n\n{new}## a\n"
    assert changelog.with_entry("# C\nwords", new) == f"# C\nwords\n\n{new}"
