"""What programs and servers say is cut to one line; no cut leaves half a secret in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canaryctl.checking.finding import Finding, Status
from canaryctl.checking.words import line_of
from tests.checking.pages import serving
from tests.checking.shop import Shop
from tests.checking.test_probes import asked

KEY = "sk-live-0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".env").write_text(f"API_KEY={KEY}\n")
    return tmp_path


def before(length: int) -> list[str]:
    """Give a program that says so many zeros, and then the secret."""
    return ["sh", "-c", f'. ./.env; printf "%0{length}d %s\\n" 0 "$API_KEY" >&2; exit 1']


def is_hidden(found: Finding) -> bool:
    assert found.status is Status.FAIL
    return KEY[:8] not in found.reason + found.mend + "".join(one.reason for one in found.parts)


@pytest.mark.parametrize("length", [1, 116, 150, 19_980])
def test_a_program_that_says_a_secret_at_the_cut(folder: Path, length: int) -> None:
    assert is_hidden(asked(folder, command=before(length)))


@pytest.mark.parametrize("more", [{"json": {"a": 1}}, {}, {"contains": "well"}])
@pytest.mark.parametrize("length", [110, 380])
def test_a_page_that_quotes_a_secret_at_the_cut(
    folder: Path, length: int, more: dict[str, Any]
) -> None:
    said = f"{'0' * length} {KEY}"
    pages = {"/": (200 if more else 500, f'{{"a": "{said}"}}' if "json" in more else said)}
    with serving(pages) as url:
        assert is_hidden(asked(folder, http=f"{url}/", **more))


def test_a_database_tool_that_says_a_secret_at_the_cut(shop: Shop) -> None:
    shop.write(".env", f"API_KEY={KEY}\nPORT=8000\n")
    for declared in ({"files": "migrations/*.sql"}, {"expect": "7"}):
        migrations = {**declared, "applied": before(116)}
        found = shop.check(only="migrations", migrations=migrations, secrets={})
        assert is_hidden(found["migrations"])


def test_a_line_of_a_page_without_end_is_short() -> None:
    assert line_of("a://" * 1_000_000) == "a://" * 40 + "…"
