"""What is secret is found in every form, and what is not stays as it is."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.redaction import MASK, SHORTEST, Secrets, hide

PASSWORD = 'p"ä s/s\\w0rd&'  # noqa: S105


def knowing(*secrets: str, shown: str = "") -> Secrets:
    known = Secrets()
    known.know(secrets, shown)
    return known


@pytest.mark.parametrize(
    "text",
    [
        PASSWORD,
        json.dumps({"said": PASSWORD}),
        json.dumps({"said": PASSWORD}, ensure_ascii=False),
        repr({"said": PASSWORD}),
        f"https://ops:{quote_plus(PASSWORD)}@host/",
        f"https://host/?key={quote_plus(PASSWORD)}",
    ],
)
def test_a_secret_is_found_as_json_repr_and_urls_write_it(text: str) -> None:
    hidden = knowing(PASSWORD).hide(f"before {text} after")
    assert MASK in hidden
    assert "w0rd" not in hidden
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")


def test_json_stays_json_with_the_same_keys() -> None:
    line = json.dumps({"weight": 5, "reason": "weight of weight0", "event": ["weight0"]}) + "\n"
    hidden = knowing("weight", "weight0").hide(line)
    assert hidden.endswith("\n")
    assert json.loads(hidden) == {"weight": 5, "reason": "*** of ***", "event": [MASK]}


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("GET http://ops:hunter2@host:9090/x", "GET http://ops:***@host:9090/x"),
        ("'https://token@host'", "'https://***@host'"),
        ("ssh://deploy@host", "ssh://deploy@host"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ('{"authorization": "Basic b3Bz"}', '{"authorization": "Basic ***"}'),
        (
            "headers.Authorization: ${MYTOK} is not set",
            "headers.Authorization: ${MYTOK} is not set",
        ),
        ('Authorization: "Bearer ${MYTOK}"', 'Authorization: "Bearer ${MYTOK}"'),
        ("Authorization: Bearer ${MYTOK:-abc}", "Authorization: Bearer ***}"),
        ("Authorization: ${MYTOK}abc", "Authorization: ***}abc"),
        ("sent bearer eyJhbGciOiJIUzI1NiJ9.x", "sent bearer ***"),
        ("needs basic authentication", "needs basic authentication"),
        ("mail ops@example.org", "mail ops@example.org"),
    ],
)
def test_a_login_is_known_by_its_form(text: str, hidden: str) -> None:
    assert hide(text) == hidden


def test_what_stands_openly_or_is_too_short_is_no_secret() -> None:
    known = knowing("shop", "canary", "1234", shown="service shop\ncanary-1:80")
    said = "shop: canary at 5 %, 1234 requests"
    assert known.hide(said) == said


def test_of_two_secrets_the_longer_is_hidden_whole() -> None:
    assert knowing("hunter2", "hunter2hunter2").hide("x hunter2hunter2 y") == "x *** y"


def test_what_is_known_is_replaced() -> None:
    known = knowing("hunter2")
    known.know(["other-one"])
    assert known.hide("hunter2 other-one") == "hunter2 ***"


def test_each_line_of_a_secret_is_one() -> None:
    assert knowing("first-line\nsecond-line\n").hide("at second-line: x") == "at ***: x"


@given(st.text(min_size=SHORTEST).filter(lambda t: len(t.strip()) >= SHORTEST), st.text())
def test_no_secret_survives(secret: str, around: str) -> None:
    secret = secret.strip()
    hidden = knowing(secret).hide(f"{around}{secret}{around}")
    # The mask itself, and what stands around it, may hold it: `***` is no good password.
    assert secret not in hidden.replace(MASK, "\0") or secret in around + "\0" + around


@given(st.text())
def test_a_text_without_a_login_is_left_alone(text: str) -> None:
    plain = text.replace("@", "").replace(":", "").replace("=", "")
    known = knowing(b64encode(b"never in there").decode())
    assert known.hide(plain) == plain or "earer" in plain.lower() or "asic" in plain.lower()


@pytest.mark.parametrize("at", [0, 90, 19_000, 19_990, 25_000])
def test_no_cut_leaves_half_a_secret(at: int) -> None:
    secret = "hunter2-of-the-shop"  # noqa: S105
    shown = knowing(secret).beginning("x" * at + secret + " and more", 19_999)
    assert "hunter2" not in shown
    assert len(shown) <= 19_999
    assert knowing(secret).beginning("abcdef", 3) == "abc"
