"""Compose's environment file: one variable changes, all else stays byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from canaryctl.core.errors import ConfigError
from canaryctl.drivers.env_file import EnvFile


def env(tmp_path: Path, text: bytes) -> EnvFile:
    path = tmp_path / ".env"
    path.write_bytes(text)
    return EnvFile(path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"V=v1\n", b"V=v2\n"),
        (b"# V=v0\nV=v1 # kept by hand\nW=x\n", b"# V=v0\nV=v2 # kept by hand\nW=x\n"),
        (b'export V="v1"\r\nW=1\r\n', b"export V=v2\r\nW=1\r\n"),
        (b"V='v1'\n", b"V=v2\n"),
        (b"V=\n", b"V=v2\n"),
        (b"V=v1\nV=v1b\n", b"V=v1\nV=v2\n"),  # the last one counts
        (b"  V = v1\n", b"  V = v2\n"),
        (b"VV=v1\n", b"VV=v1\nV=v2\n"),
        (b"W=\xff\n\n\n", b"W=\xff\n\n\nV=v2\n"),
        (b"W=1", b"W=1\nV=v2\n"),
        (b"W=1\r\nX=2\r\n", b"W=1\r\nX=2\r\nV=v2\r\n"),
        (b"", b"V=v2\n"),
    ],
)
def test_only_the_variable_changes(tmp_path: Path, before: bytes, after: bytes) -> None:
    file = env(tmp_path, before)
    assert file.keep("V", "v2")
    assert file.path.read_bytes() == after
    assert file.value("V") == "v2"
    assert not file.keep("V", "v2")
    assert file.path.read_bytes() == after
    assert [one.name for one in tmp_path.iterdir()] == [".env"]


def test_mode_and_link_stay(tmp_path: Path) -> None:
    file = env(tmp_path, b"V=v1\n")
    file.path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(file.path)
    assert EnvFile(link).keep("V", "v2")
    assert link.is_symlink()
    assert file.path.read_bytes() == b"V=v2\n"
    assert file.path.stat().st_mode & 0o777 == 0o640


def test_a_new_one_is_its_owners_alone(tmp_path: Path) -> None:
    file = EnvFile(tmp_path / ".env")
    assert file.value("V") is None
    assert file.keep("V", "v2")
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.values() == {"V": "v2"}


def test_a_value_that_is_more_than_a_word_is_refused(tmp_path: Path) -> None:
    file = env(tmp_path, b"V=v1\n")
    with pytest.raises(ValueError, match="plain word"):
        file.keep("V", "v2\nPATH=/evil")
    assert file.path.read_bytes() == b"V=v1\n"


def test_a_folder_in_its_place_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"deploy\.env_file.*cannot be read"):
        EnvFile(tmp_path).value("V")


def test_what_somebody_has_changed_since_is_not_put_back(tmp_path: Path) -> None:
    file = EnvFile(tmp_path / ".env")
    file.path.write_text("A=1\n")
    before = file.now()
    file.keep("V", "v2")
    file.path.write_text("A=2\nV=v2\n")
    file.put_back(before, "V", "v2")
    assert file.path.read_text() == "A=2\nV=v2\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'KEY="first line\nsecond line"\nW=1\n', "first line\nsecond line"),
        (b"KEY='first line\nsecond line'\n", "first line\nsecond line"),
        (b'KEY="say \\"sesame\\" twice"\n', 'say "sesame" twice'),
        (b'KEY="tab\\tbed" # why\n', "tab\tbed"),
        (b"KEY=one\nKEY=two words # why\n", "two words"),
        (b"KEY='sesame\nW=1\n", "'sesame"),  # nothing to Compose, and no less secret
    ],
)
def test_all_values_are_what_compose_reads(tmp_path: Path, text: bytes, value: str) -> None:
    assert env(tmp_path, text).values()["KEY"] == value
