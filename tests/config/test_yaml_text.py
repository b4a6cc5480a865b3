"""YAML that nobody should write: one message with its line, and soon."""

from __future__ import annotations

import time

import pytest

from canaryctl.config import loads
from canaryctl.core.errors import ConfigError
from tests.config.test_load import EXAMPLE

BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(24)
)


def refusal(text: str, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        loads(text, environment=environment)
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("!!int ''", "'' is no int"),
        ("!!bool perhaps", "'perhaps' is no bool"),
        ("!!timestamp soon", "'soon' is no timestamp"),
        ("2024-13-45", "'2024-13-45' is no timestamp"),
        ("9" * 400, "a number of more than 300 digits"),
        ("0x" + "f" * 4_000, "a number of more than 300 digits"),
        ('"\\ud800"', "half a character"),
        ("*none", "undefined alias"),
        ("!!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("&r [*r]", "an alias that contains itself"),
    ],
)
def test_a_value_that_is_none_is_told_with_its_line(value: str, said: str) -> None:
    text = EXAMPLE.replace("interval: 10s", f"interval: {value}")
    line = text[: text.index("interval:")].count("\n") + 1
    message = refusal(text)
    assert message.startswith(f"canary.yaml:{line}: ")
    assert said in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 60 + "]" * 60, "nested too deeply"),
        ("[" * 20_000, "nested too deeply"),
        (BOMB, "nested too deeply, or an alias"),
        ("x" * 200_001, "longer than 200,000 characters"),
        ("a: 1\nb: \x01", "canary.yaml:2: not YAML: unacceptable character"),
        ("", "a mapping with service"),
    ],
)
def test_what_would_take_long_is_refused_soon(text: str, said: str) -> None:
    began = time.monotonic()
    assert said in refusal(text)
    assert time.monotonic() - began < 5


def test_an_emoji_that_json_writes_in_halves_is_whole() -> None:
    assert "'🐤' is not of the form" in refusal(
        EXAMPLE.replace("fragrance-ai\n", '"\\ud83d\\udc24"\n', 1)
    )


def test_a_key_that_would_act_on_a_terminal_is_written_out() -> None:
    message = refusal(EXAMPLE + '"\\e[2J\\n": 1\n')
    assert message.isprintable()
    assert "'\\x1b[2J\\n': unknown key" in message


def test_a_message_about_a_long_value_stays_short() -> None:
    assert len(refusal(EXAMPLE.replace("fragrance-ai\n", "é" * 5_000 + "\n", 1))) < 700


def test_a_variable_that_is_no_text_is_named() -> None:
    text = EXAMPLE.replace("fragrance-ai\n", "${NAME}\n", 1)
    assert refusal(text, {"NAME": "a\udcff"}) == "canary.yaml:1: service: ${NAME} is not UTF-8"


def test_keys_of_a_merge_may_be_overridden() -> None:
    text = EXAMPLE.replace("  stable: {address", "  stable: &one {address").replace(
        '  canary: {address: "app-canary:8001"}', '  canary: {<<: *one, address: "c:1"}'
    )
    assert loads(text).versions.canary.address == ("c:1",)
