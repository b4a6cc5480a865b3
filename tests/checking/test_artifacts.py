"""The check of the artifacts: a manifest that is believed only as far as it can be."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from typing import Any

import pytest

from canaryctl.checking.finding import Finding, Status
from tests.checking.shop import VERSION, Shop

MANIFEST = "releases/v0.2.0.json"


def look(shop: Shop) -> Finding:
    return shop.check(only="artifacts")["artifacts"]


def edited(**changes: Any) -> Callable[[Shop], None]:
    def spoil(shop: Shop) -> None:
        text = (shop.path / MANIFEST).read_text()
        shop.git("tag", "--delete", VERSION)  # the pin in the tag would find any of them
        shop.write(MANIFEST, json.dumps({**json.loads(text), **changes}))

    return spoil


def row(path: str = "dist/app.tar", size: object = 5, sha256: str = "0" * 64) -> list[Any]:
    return [{"path": path, "size": size, "sha256": sha256}]


def shrunk(shop: Shop) -> None:
    os.truncate(shop.path / "dist/app.tar", 2)


def same_size(shop: Shop) -> None:
    shop.write("dist/app.tar", "imagE")


def gone(shop: Shop) -> None:
    (shop.path / "dist/app.tar").unlink()


def link(shop: Shop) -> None:
    (shop.path / "dist/app.tar").rename(shop.path / "copy")
    (shop.path / "dist/app.tar").symlink_to("../copy")


def linked_folder(shop: Shop) -> None:
    (shop.path / "dist").rename(shop.path / "copy")
    (shop.path / "dist").symlink_to("copy")


def a_folder(shop: Shop) -> None:
    gone(shop)
    (shop.path / "dist/app.tar").mkdir()


def a_pipe(shop: Shop) -> None:
    gone(shop)
    os.mkfifo(shop.path / "dist/app.tar")


def a_socket(shop: Shop) -> None:
    gone(shop)
    here = os.getcwd()  # noqa: PTH109  a socket's path is short
    os.chdir(shop.path / "dist")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("app.tar")
    os.chdir(here)


def unlisted(shop: Shop) -> None:
    shop.write("dist/second.tar", "x")


def no_manifest(shop: Shop) -> None:
    (shop.path / MANIFEST).unlink()


def rewritten(shop: Shop) -> None:
    """Somebody who changes a file and its hash is found by what the tag says."""
    same_size(shop)
    digest = "1b1e7e1f1f1a3e3ce4ed3c3ab5b9c2ff7b4b0d4c1e1e7c6f2b2e8b6f1e3d5c7a"
    text = (shop.path / MANIFEST).read_text()
    whole = json.loads(text)
    whole["artifacts"][0]["sha256"] = digest
    shop.write(MANIFEST, json.dumps(whole))


def not_json(shop: Shop) -> None:
    shop.write(MANIFEST, "{")


def not_text(shop: Shop) -> None:
    (shop.path / MANIFEST).write_bytes(b"\xff\xfe")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (shrunk, "dist/app.tar shrank: 2 bytes, 5 in the manifest"),
        (same_size, "dist/app.tar was changed: SHA-256"),
        (gone, "dist/app.tar is not there"),
        (link, "symbolic link (app.tar)"),
        (linked_folder, "symbolic link (dist)"),
        (a_folder, "is a folder"),
        (a_pipe, "is not a regular file"),
        (a_socket, "dist/app.tar"),
        (unlisted, "dist/second.tar is not in releases/v0.2.0.json"),
        (no_manifest, "releases/v0.2.0.json is not there"),
        (rewritten, "is not the manifest that tag v0.2.0 was made with"),
        (not_json, "is no manifest: it is not JSON"),
        (not_text, "is not UTF-8"),
        (edited(version="v0.1.0"), "is of v0.1.0, not of v0.2.0"),
        (edited(artifacts=row("../../etc/passwd")), "leaves the tree"),
        (edited(artifacts=row("/etc/passwd")), "leaves the tree"),
        (edited(artifacts=row("dist/./app.tar")), "leaves the tree"),
        (edited(artifacts=row() * 2), "dist/app.tar stands twice"),
        (edited(artifacts=row(size=True)), "its size is not a number"),
        (edited(artifacts=row(sha256="A" * 64)), "64 lower-case hex digits"),
        (edited(artifacts={}), "artifacts is not a list"),
        (edited(extra=1), "a key that no manifest has"),
        (edited(commit="main"), "a full commit id"),
    ],
)
def test_a_broken_artifact_fails_and_says_the_mend(
    shop: Shop, spoil: Callable[[Shop], None], reason: str
) -> None:
    spoil(shop)
    found = look(shop)
    assert found.status is Status.FAIL
    assert reason in found.reason
    assert found.mend


def test_a_key_that_stands_twice_is_no_manifest(shop: Shop) -> None:
    text = (shop.path / MANIFEST).read_text()
    shop.write(MANIFEST, text.replace('"version"', '"version": "v0.2.0", "version"', 1))
    assert "a key stands twice" in look(shop).reason


def test_a_checkpoint_has_to_be_in_the_manifest(shop: Shop) -> None:
    shop.write("models/new.pt", "x")
    found = shop.check()["artifacts"]
    assert found.status is Status.FAIL
    assert "models/new.pt is not in" in found.reason


def test_without_a_section_a_missing_manifest_is_unknown(unreleased: Shop) -> None:
    found = unreleased.check(left_out=("artifacts",))["artifacts"]
    assert found.status is Status.UNKNOWN
    assert "checks.artifacts.files" in found.mend


def test_an_empty_manifest_is_a_warning(shop: Shop) -> None:
    edited(artifacts=[])(shop)
    found = shop.check(only="artifacts", artifacts={})["artifacts"]
    assert found.status is Status.WARN


def test_a_tag_that_git_does_not_show_is_no_pass(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    found = look(shop)
    assert found.status is Status.UNKNOWN
    assert f"whether tag {VERSION} was made with {MANIFEST} cannot be told" in found.reason
    assert "dubious ownership" in found.reason
    assert "safe.directory" in found.mend
