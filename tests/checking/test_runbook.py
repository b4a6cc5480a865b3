"""The check of the runbook: a heading is no procedure."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from canaryctl.checking.finding import Finding, Status
from canaryctl.checking.markdown import sections
from tests.checking.shop import RUNBOOK, Shop

FILE = "docs/runbook.md"


def look(shop: Shop, **asked: object) -> Finding:
    return shop.check(only="runbook", runbook=asked)["runbook"]


def changed(old: str, new: str) -> Callable[[Shop], None]:
    assert old in RUNBOOK
    return lambda shop: shop.write(FILE, RUNBOOK.replace(old, new))


def text(whole: str) -> Callable[[Shop], None]:
    return lambda shop: shop.write(FILE, whole)


def gone(shop: Shop) -> None:
    (shop.path / FILE).unlink()


def a_folder(shop: Shop) -> None:
    gone(shop)
    (shop.path / FILE).mkdir()


def link(shop: Shop) -> None:
    (shop.path / FILE).rename(shop.path / "elsewhere.md")
    (shop.path / FILE).symlink_to("../elsewhere.md")


def not_text(shop: Shop) -> None:
    (shop.path / FILE).write_bytes(b"# Rollback\n\xff\xff\n")


STEP = "1. `canaryctl rollback`"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (gone, "docs/runbook.md is not there"),
        (a_folder, "is a folder"),
        (link, "symbolic link"),
        (not_text, "is not UTF-8"),
        (text(""), "has no section Rollback"),
        (text("# Rollback, Promotion and Troubleshooting\n\n## Other\n\nx\n"), "no section"),
        (changed("## Rollback", "## Going back"), "has no section Rollback"),
        (changed("## Rollback", "Rollback"), "has no section Rollback"),
        (changed("## Rollback", "```\n## Rollback\n```"), "has no section Rollback"),
        (changed("## Rollback", "<!-- ## Rollback -->"), "has no section Rollback"),
        (changed("## Rollback", "- [Rollback](#rollback)"), "has no section Rollback"),
        (changed(STEP, ""), "the section Rollback is empty"),
        (changed(STEP, "TODO"), "the section Rollback is empty"),
        (changed(STEP, "- TBD: ask the team"), "the section Rollback is empty"),
        (changed(STEP, "_To be written._"), "the section Rollback is empty"),
        (changed(STEP, "<!-- 1. canaryctl rollback -->"), "the section Rollback is empty"),
        (changed(STEP, "```\n\n```"), "the section Rollback is empty"),
        (changed(STEP, "### Steps\n\n### Afterwards\n"), "the section Rollback is empty"),
        (changed(STEP, "---\n\n* * *\n"), "the section Rollback is empty"),
        (changed("Ask the product owner, then promote.", ""), "section Promotion is empty"),
    ],
)
def test_a_broken_runbook_fails_and_says_the_mend(
    shop: Shop, spoil: Callable[[Shop], None], reason: str
) -> None:
    spoil(shop)
    found = look(shop)
    assert found.status is Status.FAIL
    assert reason in found.reason
    assert found.mend


@pytest.mark.parametrize(
    "heading",
    [
        "# Rollback",
        "### 3.1 Rollback by hand",
        "## Emergency rollback ##",
        "## Roll-back",
        "## Roll back",
        "Rollback\n--------",
        "## **Rollback**",
    ],
)
def test_every_way_to_write_a_heading(shop: Shop, heading: str) -> None:
    shop.write(FILE, RUNBOOK.replace("## Rollback", heading))
    assert look(shop).status is Status.PASS, look(shop).reason


def test_a_section_in_a_code_block_or_with_a_step_named_later_is_filled(shop: Shop) -> None:
    for step in ("```\ncanaryctl rollback\n```", "None of the pods may be left.", "Later: look."):
        shop.write(FILE, RUNBOOK.replace(STEP, step))
        assert look(shop).status is Status.PASS


def test_procedures_in_any_language(shop: Shop) -> None:
    shop.write(FILE, "# 운영\n\n## 롤백 절차\n\n명령을 실행합니다.\n")
    assert look(shop, procedures=["롤백"]).status is Status.PASS
    assert look(shop, procedures=["승격"]).status is Status.FAIL


def test_without_a_section_a_missing_page_is_unknown(shop: Shop) -> None:
    gone(shop)
    assert shop.check(left_out=("runbook",))["runbook"].status is Status.UNKNOWN


def test_a_page_of_headings_alone_is_read_quickly() -> None:
    assert len(sections("#\n" * 20_000)) == 20_000
    assert len(sections("## a\n### b\n" * 5_000)) == 10_000
