"""The check of the schema: files in one line, all of them applied, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from canaryctl.checking.finding import Finding, Status
from tests.checking.shop import Shop


def look(shop: Shop, **asked: Any) -> Finding:
    checks: dict[str, Any] = {"migrations": asked} if asked else {}
    found = shop.check(only="migrations", **checks)
    (one,) = [one for name, one in found.items() if name.startswith("migrations")]
    return one


def applied(text: str) -> Callable[[Shop], None]:
    return lambda shop: shop.write("applied.txt", text)


def file(name: str, text: str = "select 1;") -> Callable[[Shop], None]:
    return lambda shop: shop.write(f"migrations/{name}", text)


def none(shop: Shop) -> None:
    for one in (shop.path / "migrations").iterdir():
        one.unlink()


def no_output(shop: Shop) -> None:
    (shop.path / "applied.txt").unlink()


@pytest.mark.parametrize(
    ("spoil", "reason", "mend"),
    [
        (applied("0001_init\n"), "not applied: 0002_orders; the last one", "migrate"),
        (applied("1\n"), "not applied: 0002_orders", "migrate"),
        (applied(""), "nothing is applied, not even 0001_init", "migrate"),
        (applied("-----\n(0 rows)\n"), "nothing is applied", "migrate"),
        (applied("[X] 0001_init\n[ ] 0002_orders\n"), "not applied: 0002_orders", "migrate"),
        (applied("up 0001 init\ndown 0002 orders\n"), "not applied: 0002_orders", "migrate"),
        (applied("0001_init applied\n0002_orders pending\n"), "not applied: 0002", "migrate"),
        (applied("2 (dirty)\n"), "has failed half way", "migrate"),
        (applied("0003_later\n"), "0003_later is applied, and there is no file", "check out"),
        (applied("0001_init\n0002_orders\n0003_x\n"), "0003_x is applied, and there", "check out"),
        (applied("hello\n"), "names none of the files", "migrate"),
        (file("0003_more.sql"), "not applied: 0003_more", "migrate"),
        (file("0002_payments.sql"), "several heads: 0002_orders and 0002_payments", "one line"),
        (file("0003_x.sql", " \n"), "migrations/0003_x.sql is empty", "put the migration"),
        (none, "no migration matches migrations/*.sql", "mend checks.migrations.files"),
        (no_output, "cat ended with 1", "by hand"),
    ],
)
def test_a_broken_schema_fails_and_says_the_mend(
    shop: Shop, spoil: Callable[[Shop], None], reason: str, mend: str
) -> None:
    spoil(shop)
    found = look(shop)
    assert found.status is Status.FAIL
    assert reason in found.reason
    assert mend in found.mend


@pytest.mark.parametrize(
    "text",
    [
        "0001_init\n0002_orders\n",
        "0002_orders\n0001_init\n",
        "2\n",
        "0002\n",
        "0002_orders (head)\n",
        "[X] 0001_init\n[X] 0002_orders\n",
        " version | name\n---------+--------\n 0001 | init\n 0002 | orders\n(2 rows)\n",
        "up 0001 init\nup 0002 orders\n",
        "migrations/0001_init.sql\nmigrations/0002_orders.sql\n",
        "0001_init.sql 2025-06-30 00:13:07\n0002_orders.sql 2025-07-01 00:13:07\n",
        "Applied: 0001_init\nApplied: 0002_orders\nPending: 0\n",
        "0001_init\n0002_orders\nNo pending migrations\n",
    ],
)
def test_what_the_usual_tools_print_passes(shop: Shop, text: str) -> None:
    shop.write("applied.txt", text)
    assert look(shop).status is Status.PASS, look(shop).reason


ALEMBIC = "revision = {!r}\ndown_revision: str | None = {!r}\n"


@pytest.fixture
def alembic(shop: Shop) -> Shop:
    shop.write("versions/b_first.py", ALEMBIC.format("b7c1", None))
    shop.write("versions/a_second.py", ALEMBIC.format("a9d2", "b7c1"))
    shop.write("versions/__init__.py", "")
    shop.write("applied.txt", "a9d2 (head)\n")
    return shop


def of_alembic(shop: Shop) -> Finding:
    return look(shop, files="versions/*.py", applied=["cat", "applied.txt"])


def test_alembics_order_is_what_its_files_say(alembic: Shop) -> None:
    found = of_alembic(alembic)
    assert found.status is Status.PASS, found.reason
    assert "up to a9d2" in found.reason
    alembic.write("applied.txt", "b7c1\n")
    assert "not applied: a9d2" in of_alembic(alembic).reason
    alembic.write("applied.txt", "ffff0 (head)\n")
    assert "no file" in of_alembic(alembic).reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ALEMBIC.format("c3e3", "b7c1"), "several heads: a9d2 and c3e3"),
        (ALEMBIC.format("c3e3", "dead"), "c3e3 comes after dead, which has no file"),
        (ALEMBIC.format("a9d2", "b7c1"), "two migrations are called a9d2"),
        ("revision = (\n", "is Python that does not parse"),
    ],
)
def test_alembics_files_form_one_line(alembic: Shop, text: str, reason: str) -> None:
    alembic.write("versions/c.py", text)
    found = of_alembic(alembic)
    assert found.status is Status.FAIL
    assert reason in found.reason


def test_a_circle_has_no_newest(alembic: Shop) -> None:
    alembic.write("versions/b_first.py", ALEMBIC.format("b7c1", "a9d2"))
    assert "circle" in of_alembic(alembic).reason


def test_djangos_merges_are_one_line(shop: Shop) -> None:
    django = "class Migration(migrations.Migration):\n    dependencies = {}\n"
    names = {"0001_initial": "[]", "0002_a": "[('app', '0001_initial')]"}
    names["0002_b"] = "[('app', '0001_initial'), migrations.swappable_dependency(X)]"
    for name, after in names.items():
        shop.write(f"app/migrations/{name}.py", django.format(after))
    asked = {"files": "app/migrations/*.py", "applied": ["cat", "applied.txt"]}
    assert "several heads: 0002_a and 0002_b" in look(shop, **asked).reason
    shop.write(
        "app/migrations/0003_merge.py", django.format("[('app', '0002_a'), ('app', '0002_b')]")
    )
    said = "".join(f"[X]  app.{one}\n" for one in (*names, "0003_merge"))
    shop.write("applied.txt", said)
    assert look(shop, **asked).status is Status.PASS, look(shop, **asked).reason


def test_what_undoes_a_migration_is_none(shop: Shop) -> None:
    shop.write("m/000001_a.up.sql", "x")
    shop.write("m/000001_a.down.sql", "x")
    shop.write("applied.txt", "1\n")
    found = look(shop, files="m/*.sql", applied=["cat", "applied.txt"])
    assert found.status is Status.PASS
    assert found.reason == "1 migration applied, up to 000001_a"


def test_a_command_that_does_not_end_is_ended(shop: Shop) -> None:
    found = look(shop, files="migrations/*.sql", applied=["sleep", "600"], timeout="200ms")
    assert found.status is Status.FAIL
    assert "sleep did not end within 0.2 s" in found.reason


def test_a_program_that_is_not_there_fails(shop: Shop) -> None:
    found = look(shop, files="migrations/*.sql", applied=["no-such-program"])
    assert found.status is Status.FAIL
    assert "'no-such-program' cannot be started" in found.reason
    assert "install it" in found.mend


def test_a_schemas_version_is_compared(shop: Shop) -> None:
    asked = {"name": "redis", "applied": ["echo", "7"], "expect": "7"}
    assert look(shop, **asked).reason == "the schema is at 7"
    found = look(shop, **{**asked, "expect": "8"})
    assert found.status is Status.FAIL
    assert found.name == "migrations redis"
    assert found.reason == "the schema is '7', not '8'"
    assert look(shop, **{**asked, "applied": ["true"]}).reason == "the schema is nothing, not '7'"


def test_nobody_tells_what_is_applied(shop: Shop) -> None:
    found = look(shop, files="migrations/*.sql")
    assert found.status is Status.UNKNOWN
    assert "2 migrations, the newest 0002_orders" in found.reason
    assert shop.check(left_out=("migrations",))["migrations"].status is Status.UNKNOWN
