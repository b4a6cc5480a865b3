"""What Django prints of several apps: of each, only the files of its own folder count."""

from __future__ import annotations

import pytest

from canaryctl.checking.finding import Finding, Status
from tests.checking.shop import Shop

DJANGO = "class Migration(migrations.Migration):\n    dependencies = {}\n"


def look(shop: Shop, text: str, files: str = "shop/migrations/*.py") -> Finding:
    shop.write("applied.txt", text)
    asked = {"files": files, "applied": ["cat", "applied.txt"]}
    return shop.check(only="migrations", migrations=asked)["migrations"]


@pytest.fixture
def django(shop: Shop) -> Shop:
    shop.write("shop/migrations/0001_initial.py", DJANGO.format("[('auth', '0001_initial')]"))
    return shop


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("auth\n [X] 0001_initial\nshop\n [X] 0001_initial\n", ""),
        ("auth\n [X] 0001_initial\n [X] 0002_foo\nshop\n [X] 0001_initial\n", ""),
        ("shop\n [X] 0001_initial\nwall\n [X] 0001_initial\n [ ] 0002_foo\n", ""),
        ("wall\n (no migrations)\nshop\n [X] 0001_initial (2 squashed migrations)\n", ""),
        ("[X]  auth.0001_initial\n[ ]  auth.0002_foo\n[X]  shop.0001_initial\n", ""),
        ("app|name\nauth|0001_initial\nauth|0002_foo\nshop|0001_initial\n", ""),
        ("1|auth|0001_initial|2024-01-01\n2|shop|0001_initial|2024-01-01\n", ""),
        ("0001_initial\n", ""),
        ("auth\n [X] 0001_initial\nshop\n [ ] 0001_initial\n", "not applied: 0001_initial"),
        ("shop\n [ ] 0001_initial\nwall\n [X] 0001_initial\n", "not applied: 0001_initial"),
        ("shop\n [-] 0001_initial\n", "not applied: 0001_initial"),
        ("shop\n (no migrations)\n", "nothing is applied, not even 0001_initial"),
        ("auth\n [X] 0001_initial\n", "has no section shop; it has auth"),
        ("shop\n [X] 0001_initial\n [X] 0002_gone\n", "0002_gone is applied, and there is no"),
        ("shop\n [X] 0001_initial\n [X] add_it\n", "add_it is applied, and there is no"),
        ("[X]  auth.0001_initial\n[ ]  shop.0001_initial\n", "not applied: 0001_initial"),
        ("[X]  auth.0001_initial\n", "nothing is applied"),
        ("[X]  shop.0001_initial\n[X]  shop.0002_gone\n", "0002_gone is applied"),
        ("auth|0001_initial\nshop|0001_initial\nshop|0002_gone\n", "0002_gone is applied"),
        ("shop\n [X] 0001_initial\n[ ] 0002_x\n", "stands below no app's name"),
    ],
)
def test_of_djangos_apps_the_files_own_one_counts(django: Shop, text: str, reason: str) -> None:
    found = look(django, text)
    assert found.status is (Status.FAIL if reason else Status.PASS), found.reason
    assert reason in found.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("shop\n [X] 0001_initial\nwall\n [X] 0001_initial\n [X] 0002_a\n", ""),
        ("[X]  shop.0001_initial\n[X]  wall.0001_initial\n[X]  wall.0002_a\n", ""),
        ("shop\n [X] 0001_initial\nwall\n [X] 0001_initial\n", "wall: not applied: 0002_a"),
        ("shop\n [X] 0001_initial\n [X] 0002_a\nwall\n [X] 0002_a\n", "shop: 0002_a is applied"),
        ("[X] 0001_initial\n[X] 0002_a\n", "does not say of which app it is: shop, wall"),
    ],
)
def test_two_of_djangos_apps_may_have_a_name_in_common(
    django: Shop, text: str, reason: str
) -> None:
    django.write("wall/migrations/0001_initial.py", DJANGO.format("[]"))
    django.write("wall/migrations/0002_a.py", DJANGO.format("[('wall', '0001_initial')]"))
    found = look(django, text, "*/migrations/*.py")
    assert found.status is (Status.FAIL if reason else Status.PASS), found.reason
    assert reason in found.reason
    django.write("wall/migrations/0002_b.py", DJANGO.format("[('wall', '0001_initial')]"))
    found = look(django, text, "*/migrations/*.py")
    assert "wall: several heads: 0002_a and 0002_b" in found.reason
