"""What migration tools print: every usual form is read, and what is doubtful is no pass."""

from __future__ import annotations

import pytest

from canaryctl.checking.finding import Finding, Status
from tests.checking.shop import Shop

GOOSE_TABLE = """\
 id | version_id     | is_applied | tstamp
----+----------------+------------+--------------------
  1 |              0 | t          | 2024-01-01 10:00:00
  2 | 20240101120000 | t          | 2024-01-01 10:00:00
  3 | 20240102120000 | t          | 2024-01-02 10:00:00
(3 rows)
"""
GOOSE = """\
    Applied At                  Migration
    =======================================
    Sat Jan  6 11:25:03 2024 -- 20240101120000_a.sql
    Tue Jan 16 11:25:03 2024 -- 20240102120000_b.sql
"""
RAILS = """\
database: shop_2

 Status   Migration ID    Migration Name
--------------------------------------------------
   up     20240101120000  Init
   up     20240102120000  Create users
"""


def look(shop: Shop, files: str = "migrations/*.sql", applied: tuple[str, ...] = ()) -> Finding:
    asked = {"files": files, "applied": applied or ["cat", "applied.txt"]}
    return shop.check(only="migrations", migrations=asked)["migrations"]


@pytest.mark.parametrize(
    "text",
    [
        "1|init\n2|orders\n3|gone\n",
        "1 init\n2 orders\n3 gone\n",
        " version | name\n---------+-----\n 1 | init\n 2 | orders\n 3 | gone\n(3 rows)\n",
        "+---------+\n| version |\n+---------+\n|       2 |\n|       3 |\n+---------+\n",
        "version\tname\n1\tinit\n2\torders\n3\tgone\n",
        "0001_init 2024-01-01\n0002_orders 2024-01-01\n0003_gone 2024-01-02\n",
        "[X] 0001_init\n[X] 0002_orders\n[X] 0003_gone (applied at 2024)\n",
        "[X] 0001_init\n[X] 0002_orders\n[X] gone\n",
        "up 0001 init\nup 0002 orders\nup 0003 ********** NO FILE **********\n",
        "0001_init\n0002_orders\n0003_gone\ndone\n",
        "0003_gone\n0001_init\n0002_orders\n",
        "0001_init 0001_init.sql\n0002_orders 0003_gone\n",
        "Sun Jan  6 11:25:03 2013 -- 0002_orders.sql\nSun Jan  6 11:25:03 2013 -- 0003_gone.sql\n",
        "2024-01-01T10:00:00Z 0002_orders\n2024-01-01T10:00:00Z 0003_gone\n",
        "0003_gone (head)\n0002_orders (head)\n",
        "\x1b[1m0002_orders\x1b[0m\n\x1b[1m0003_gone\x1b[0m\n",
        "Current version: 3\n",
    ],
)
def test_an_applied_one_without_a_file_fails_wherever_it_stands(shop: Shop, text: str) -> None:
    shop.write("applied.txt", text)
    found = look(shop)
    assert found.status is Status.FAIL, found.reason
    assert "is applied, and there is no file of it" in found.reason


@pytest.mark.parametrize(
    "text",
    [
        "0001_init\n0002_orders\n[ ] 0002_orders\n",
        "[X] 0001_init\n[X] 0002_orders\nPending: 1\n",
        "0002_orders | 0 | pending\n",
        "[✓] 0001_init\n[✗] 0002_orders\n",
        "0001_init yes\n0002_orders no\n",
        "0001_init: applied\n0002_orders: not yet applied\n",
        "0001_init  Applied\n0002_orders  Skipped\n",
        "0001_init\n0002_orders missing\n",
        "| Ran? | Migration |\n+---+---+\n| Yes | 0001_init |\n| No | 0002_orders |\n",
        "Versioned | 1 | init | Success | No\nVersioned | 2 | orders | Ignored | No\n",
        "version | dirty\n---+---\n 2 | t\n",
        "version|dirty\n2|1\n",
        "version\tdirty\n2\t1\n",
        "version  dirty\n-------  -----\n2        1\n",
        "version | dirty\n---+---\n 2 | perhaps\n",
        "version | dirty\n---+---\n 2\n",
        "2|t\n",
        "2|f\n",
        "id | version_id | is_applied\n--+--+--\n 1 | 1 | t\n 2 | 2 | f\n",
        "version | success\n--+--\n 1 | t\n 2 | f\n",
        "Applied: 2\n",
        "2 migrations found\n",
        "On day 2 of the year\n",
    ],
)
def test_what_could_mean_something_else_is_no_pass(shop: Shop, text: str) -> None:
    shop.write("applied.txt", text)
    assert look(shop).status is Status.FAIL, look(shop).reason


@pytest.mark.parametrize(
    "text",
    [
        " version \n----------------\n 20240101120000\n 20240102120000\n(2 rows)\n",
        "version\n20240101120000\n20240102120000\n",
        " version | dirty \n---------+-------\n 20240102120000 | f\n(1 row)\n",
        "version\tdirty\n20240102120000\t0\n",
        "version|name\n20240101120000|a\n20240102120000|b\n",
        "20240101120000|a\n20240102120000|b\n",
        "+-----+\n| version |\n+-----+\n| 20240102120000 |\n+-----+\n1 row in set (0.00 sec)\n",
        GOOSE_TABLE,
        GOOSE,
        RAILS,
        "[X] 20240101120000_a.sql\n[X] 20240102120000_b.sql\n\nApplied: 2\nPending: 0\n",
        "20240101120000/installed a\n20240102120000/installed b\n",
        "2024/01/02 10:00:00 goose: version 20240102120000\n",
    ],
)
def test_tables_of_times_pass(shop: Shop, text: str) -> None:
    shop.write("m/20240101120000_a.sql", "x")
    shop.write("m/20240102120000_b.sql", "x")
    shop.write("applied.txt", text)
    found = look(shop, "m/*.sql")
    assert found.status is Status.PASS, found.reason


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 2 >&2", ""),
        ("echo '2 (dirty)' >&2", "has failed half way: '2 (dirty)'"),
        ("echo 1 >&2", "not applied: 0002_orders"),
        (
            "echo loading 0002_orders >&2",
            "prints it to standard error alone: 'loading 0002_orders'",
        ),
        ("echo 1; echo 2 >&2", "not applied: 0002_orders"),
        ("true", "nothing is applied, not even 0001_init"),
    ],
)
def test_of_standard_error_only_a_version_is_believed(shop: Shop, script: str, reason: str) -> None:
    found = look(shop, applied=("sh", "-c", script))
    assert found.status is (Status.FAIL if reason else Status.PASS), found.reason
    assert reason in found.reason
