"""What is written is read back; whatever is read, only words come of it."""

from __future__ import annotations

import json
import string
from base64 import b64encode, urlsafe_b64encode
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canaryctl.checking.markdown import sections
from canaryctl.checking.placeholder import is_path, is_placeholder, is_secret, password_in
from canaryctl.core import manifest
from canaryctl.core.manifest import Artifact, Manifest, NotManifestError
from canaryctl.drivers.dotenv import parse

# Other things run on the machine: what is slow there says nothing.
BUSY = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
BARE = st.text(string.ascii_letters + string.digits + "/:@=$%^&(){}[]+-_.,!?", min_size=1)
QUOTED = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"))


def in_double(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@BUSY
@given(st.dictionaries(NAMES, BARE, max_size=8), st.sampled_from(["", "export ", "  "]))
def test_bare_values_are_read_back(values: dict[str, str], before: str) -> None:
    text = "".join(f"{before}{name} = {value}\n" for name, value in values.items())
    assert parse(text).values == values


@BUSY
@given(st.dictionaries(NAMES, QUOTED, max_size=8))
def test_quoted_values_are_read_back(values: dict[str, str]) -> None:
    text = "".join(f"{name}={in_double(value)} # why\n" for name, value in values.items())
    found = parse(text)
    assert found.values == values
    assert not found.broken


@BUSY
@given(st.dictionaries(NAMES, QUOTED.filter(lambda one: "'" not in one), max_size=8))
def test_values_in_single_quotes_are_taken_literally(values: dict[str, str]) -> None:
    text = "".join(f"{name}='{value}'\r\n" for name, value in values.items())
    assert parse(text).values == values


@BUSY
@given(st.text())
def test_every_text_is_an_environment(text: str) -> None:
    found = parse(text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    assert all(1 <= one <= lines for one in found.broken)
    assert "=" in text or not found.values


@BUSY
@given(NAMES, st.text())
def test_any_value_is_judged(name: str, value: str) -> None:
    assert isinstance(is_placeholder(name, value), bool)
    assert not is_secret(name, value) or is_secret(name)


@pytest.mark.parametrize(
    ("name", "value", "is_one"),
    [
        ("API_KEY", "changeme", True),
        ("API_KEY", "CHANGE_ME", True),
        ("API_KEY", "change-me-please", True),
        ("PORT", "<port>", True),
        ("DATABASE_URL", "postgres://app:changeme@db/x", True),
        ("DATABASE_URL", "postgres://app:k8s-9x@db/x", False),
        ("DATABASE_URL", "postgres://db/x", False),
        ("APP_ENV", "test", False),
        ("DB_PASSWORD", "test", True),
        ("DB_PASSWORD", "123456", True),
        ("DB_PASSWORD", "8hJ2-kq", False),
        ("API_KEY", "CHANGE_ME_IN_PRODUCTION", True),
        ("API_KEY", "change_me_please", True),
        ("API_KEY", "please-change-me", True),
        ("API_KEY", "shop-secret-change-me", True),
        ("API_KEY", "INSERT_YOUR_KEY", True),
        ("API_KEY", "FILL_ME_IN", True),
        ("API_KEY", "TODO: fill", True),
        ("API_KEY", "todo-fill-in", True),
        ("API_KEY", "sk-xxxxxxxx", True),
        ("API_KEY", "sk_live_xxxx", True),
        ("API_KEY", "xoxb-xxxx-xxxx", True),
        ("API_KEY", "sk-...", True),
        ("API_KEY", "[your key]", True),
        ("API_KEY", "(set me)", True),
        ("API_KEY", "[REDACTED]", False),
        ("API_KEY", "not-a-real-key", True),
        ("API_KEY", "NOT_A_REAL_KEY", True),
        ("API_KEY", "replace-in-prod", True),
        ("API_KEY", "fake", True),
        ("PORT", "set_me", True),
        ("NAME", "todo-app", False),
        ("TITLE", "todo list", False),
        ("TITLE", "When things change: it matters", False),
        ("TITLE", "how to change it", False),
        ("MODE", "replace-in-place", False),
        ("EVENT", "add_in_cart", False),
        ("CHANGE", "changelog", False),
        ("MODELS", "[a, b]", False),
        ("MODELS", "[base]", False),
        ("NAME", "example", False),
    ],
)
def test_placeholders(name: str, value: str, is_one: bool) -> None:
    assert is_placeholder(name, value) is is_one


def written(random: Random, length: int) -> list[str]:
    """Give a secret of so many random bytes, as tools write them."""
    raw = random.randbytes(length)
    plain = "".join(random.choices(string.ascii_letters + string.digits, k=length))
    coded = [b64encode(raw), urlsafe_b64encode(raw), urlsafe_b64encode(raw).rstrip(b"=")]
    return [raw.hex(), raw.hex().upper(), plain, *(one.decode() for one in coded)]


@BUSY
@given(st.integers(0, 2**64), st.integers(12, 48))
def test_what_is_random_is_no_placeholder(seed: int, length: int) -> None:
    for value in written(Random(seed), length):  # noqa: S311
        for spelled in (value, f"sk-{value}", f"[{value}]", f"{value}-{value[::-1]}"):
            assert not is_placeholder("API_KEY", spelled)


def test_what_is_random_is_hardly_ever_a_path() -> None:
    random = Random(1)  # noqa: S311
    taken = sum(is_path(f"/{one}") for _ in range(500) for one in written(random, 24))
    assert taken < 30  # of 3000, all of which begin as a path


@pytest.mark.parametrize(
    "value",
    [
        "xxK9change_meq7",
        "Qtodo4Zp1mWv",
        "8fakeR2-mZ7pQ4tW",
        "ghp_xx9f8xxxx2kQ1xxxx",
        "k9-herewith7",
    ],
)
def test_letters_of_a_placeholder_within_a_secret_are_none(value: str) -> None:
    assert not is_placeholder("API_KEY", value)


def test_the_password_of_a_url() -> None:
    assert password_in("redis://:a%40b@cache:6379/0") == "a@b"
    assert password_in("https://example.com/a:b@c") is None


PATHS = st.lists(st.sampled_from(["a", "b-c", "d.pt", "0"]), min_size=1, max_size=4).map("/".join)
HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
ARTIFACTS = st.builds(Artifact, PATHS, st.integers(0, 2**60), HASHES)
MANIFESTS = st.builds(
    Manifest,
    st.just("v0.2.0"),
    st.binary(min_size=20, max_size=20).map(bytes.hex),
    st.just("2025-06-30T00:13:07Z"),
    st.lists(ARTIFACTS, unique_by=lambda one: one.path, max_size=6).map(tuple),
)


@BUSY
@given(MANIFESTS)
def test_a_manifest_is_read_back_and_written_in_one_way(made: Manifest) -> None:
    text = made.text()
    found = manifest.parse(text)
    assert set(found.artifacts) == set(made.artifacts)
    assert found.text() == text
    assert manifest.pinned(manifest.tag_message("v0.2.0", text)) == manifest.fingerprint(text)


@BUSY
@given(MANIFESTS, st.data())
def test_a_manifest_with_something_else_in_it_is_none(made: Manifest, data: st.DataObject) -> None:
    whole = json.loads(made.text())
    key = data.draw(st.sampled_from(sorted(whole)))
    whole[key] = data.draw(st.none() | st.booleans() | st.integers() | st.text(max_size=5))
    if key == "version" and isinstance(whole[key], str) and manifest._VERSION.fullmatch(whole[key]):
        return
    with pytest.raises(NotManifestError):
        manifest.parse(json.dumps(whole))


@BUSY
@given(st.text())
def test_whatever_is_no_manifest_is_said(text: str) -> None:
    with pytest.raises(NotManifestError):
        manifest.parse(text)


@BUSY
@given(st.text())
def test_a_path_that_is_inside_stays_there(path: str) -> None:
    if manifest.inside(path):
        assert not path.startswith("/")
        assert ".." not in path.split("/")


@BUSY
@given(st.text(st.sampled_from("#=-`~<!> \nab*_TODO"), max_size=80))
def test_any_page_has_sections(text: str) -> None:
    for one in sections(text):
        assert 1 <= one.level <= 6
