"""Releases in repositories whose text files have another system's line ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from canaryctl.checking.finding import Status
from canaryctl.core import manifest
from canaryctl.releasing import changelog
from tests.checking.shop import VERSION, Shop

MANIFEST = "releases/v0.2.0.json"


def test_a_clone_with_other_line_ends_has_the_same_manifest(
    unreleased: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    unreleased.write(".gitattributes", "* text=auto eol=crlf\n")
    unreleased.commit()
    unreleased.release()
    unreleased.commit("Notes of v0.2.0")
    to = tmp_path_factory.mktemp("clone") / "shop"
    unreleased.git("clone", "--quiet", str(unreleased.path), str(to))
    clone = Shop(to)
    for path in ("dist/app.tar", "models/ppo.pt"):
        clone.write(path, (unreleased.path / path).read_text())
    assert b"\r\n" in (to / MANIFEST).read_bytes()
    found = clone.check(only="artifacts")["artifacts"]
    assert found.status is Status.PASS, found.reason
    assert clone.survey().is_there
    changed = (to / MANIFEST).read_bytes().replace(b'"size": 5', b'"size": 6')
    (to / MANIFEST).write_bytes(changed)
    assert "it was changed" in clone.check(only="artifacts")["artifacts"].reason


def test_a_fingerprint_is_of_the_lines() -> None:
    assert manifest.fingerprint("{\r\n}\r\n") == manifest.fingerprint("{\n}\n")
    assert manifest.fingerprint("{\n}\n") != manifest.fingerprint("{}\n")


def test_an_entry_has_the_changelogs_line_ends(unreleased: Shop) -> None:
    place: Path = unreleased.path / "CHANGELOG.md"
    place.write_bytes(b"# Changes\r\n\r\n## v0.1.0\r\n\r\n- First\r\n")
    unreleased.commit()
    found = unreleased.survey()
    assert found.new_changelog is not None
    assert found.new_changelog.count("\n") == found.new_changelog.count("\r\n")
    assert "\n" in found.new_entry
    # A run that was killed at this moment has changed the changelog: the next one knows it.
    place.write_bytes(found.new_changelog.encode())
    unreleased.release()
    assert place.read_bytes().count(b"## v0.2.0") == 1


def test_an_unfinished_entry_is_known_through_git_s_line_ends(unreleased: Shop) -> None:
    unreleased.write(".gitattributes", "*.md text eol=crlf\n")
    unreleased.commit()
    place = unreleased.path / "CHANGELOG.md"
    place.unlink()
    unreleased.git("checkout", "--quiet", "--", "CHANGELOG.md")
    assert b"\r\n" in place.read_bytes()
    found = unreleased.survey()
    assert found.new_changelog is not None
    place.write_bytes(found.new_changelog.encode())
    unreleased.release()
    assert unreleased.survey().is_there


@pytest.mark.parametrize(
    "text", ["# C\r\n\r\n## a\r\n", "# C\n\n## a\n", "# C\n\n", "", "# C\r\nwords\r\n\r\n"]
)
def test_what_was_put_in_is_taken_out(text: str) -> None:
    new = changelog.entry(VERSION, "2025-06-30", ["Mend it"])
    whole = changelog.with_entry(text, new)
    assert changelog.without_entry(whole, new) == (text or "# Changes\n\n")
    assert changelog.without_entry(text, new) == text
