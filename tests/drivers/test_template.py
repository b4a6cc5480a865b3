"""Weights become NGINX text: exact shares, a header that survives, values that stay values."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from canaryctl.core.errors import ConfigError
from canaryctl.core.weight import Weight
from canaryctl.drivers.template import (
    Abilities,
    Address,
    Routing,
    intact,
    parse_header,
    render,
)
from canaryctl.ports import Mark
from tests.drivers.gateways import PACKAGED, percent

CURRENT = Abilities(resolve=True, keepalive_min_timeout=True, resolver="127.0.0.11")
_SERVER = re.compile(
    r"^ +server (\S+) (?:weight=(\d+)|(backup)) max_fails=0( resolve)?;$", re.MULTILINE
)

names = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
ipv4 = st.ip_addresses(v=4).map(str)
ipv6 = st.ip_addresses(v=6).map(lambda ip: f"[{ip}]")
with_port = st.tuples(names | ipv4 | ipv6, st.integers(1, 65_535)).map(lambda t: f"{t[0]}:{t[1]}")
unix = st.from_regex(r"unix:/run/[a-z0-9._-]{1,20}", fullmatch=True)
addresses = st.lists(with_port | unix, min_size=2, max_size=12, unique=True)
weights = st.integers(0, 10_000).map(Weight)


def routing(
    stable: tuple[str, ...] = ("10.0.0.1:80",), canary: tuple[str, ...] = ("10.0.0.2:80",)
) -> Routing:
    return Routing("demo", tuple(map(Address, stable)), tuple(map(Address, canary)), "9180")


def rendered(
    weight: Weight, where: Routing | None = None, mark: Mark | None = None, can: Abilities = CURRENT
) -> str:
    return render(PACKAGED, where or routing(), weight, "7-abc", mark or Mark(), can)


def servers(text: str) -> dict[str, int | None]:
    """Give each server's weight; None for a backup."""
    return {found[1]: int(found[2]) if found[2] else None for found in _SERVER.finditer(text)}


@given(weights, addresses, st.data())
def test_the_share_is_exact_for_any_number_of_servers(
    weight: Weight, every: list[str], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(max(1, len(every) - 6), min(6, len(every) - 1)))
    stable, canary = tuple(every[:cut]), tuple(every[cut:])
    got = servers(rendered(weight, routing(stable, canary)))
    total = sum(w or 0 for w in got.values())
    of_canary = sum(got.get(address) or 0 for address in canary)
    assert Fraction(of_canary, total) == Fraction(weight.hundredths, 10_000)
    assert set(stable) <= set(got)
    assert len({got.get(address) for address in stable}) == 1
    assert 0 not in got.values()


@given(addresses)
def test_at_zero_no_line_names_the_canary_as_a_server(every: list[str]) -> None:
    got = servers(rendered(Weight.ZERO, routing(tuple(every[:1]), tuple(every[1:]))))
    assert got == {every[0]: 1}


@given(addresses)
def test_at_a_hundred_stable_is_the_backup(every: list[str]) -> None:
    got = servers(rendered(Weight.FULL, routing(tuple(every[:1]), tuple(every[1:]))))
    assert got == {every[0]: None, **dict.fromkeys(every[1:], 1)}


def test_a_name_counts_once_for_each_address_behind_it() -> None:
    where = Routing(
        "demo",
        (Address("app:8000", ("10.0.0.1:8000", "10.0.0.2:8000", "10.0.0.3:8000")),),
        (Address("canary:8001", ("10.0.0.4:8001", "10.0.0.5:8001")),),
        "9180",
    )
    assert servers(rendered(percent("5"), where)) == {"app:8000": 38, "canary:8001": 3}
    assert Fraction(2 * 3, 2 * 3 + 3 * 38) == Fraction(5, 100)


@given(weights, st.builds(Mark, st.text(), st.text(), st.text(), st.text()))
@example(Weight(1), Mark(reason="\"'\r\n} server { $a # \\ \u2028 é 🐤 {{ x }} {% y %}"))
def test_the_header_survives_any_text(weight: Weight, mark: Mark) -> None:
    text = rendered(weight, mark=mark)
    first, _, body = text.partition("\n")
    assert body == rendered(weight).partition("\n")[2]
    assert first.isascii()
    assert first.isprintable()
    state = parse_header(text)
    assert state is not None
    assert Mark(*(state[name] for name in ("release", "rollout", "owner", "reason"))) == mark
    assert (state["generation"], percent(state["weight"])) == ("7-abc", weight)
    assert intact(text)


@given(weights, st.data())
def test_any_edit_or_cut_below_the_header_shows(weight: Weight, data: st.DataObject) -> None:
    text = rendered(weight)
    begin = text.index("\n") + 1
    at = data.draw(st.integers(begin, len(text) - 1))
    assert not intact(text[:at])
    assert not intact(text[:at] + "x" + text[at:])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"weight": "5"', '"weight": "50"'),
        ('"owner": "ann"', '"owner": "bob"'),
        ('"owner": "ann"', '"owner":  "ann"'),
        ('"owner": "ann"', '"owner": "bob", "owner": "ann"'),
        ('"owner": "ann"', '"owner": "ann", "more": "x"'),
        ("}\n", "} \n"),
        ("\n", "\r\n"),
    ],
)
def test_any_edit_of_the_header_shows(before: str, after: str) -> None:
    text = rendered(percent("5"), mark=Mark(owner="ann"))
    assert intact(text)
    changed = text.replace(before, after, 1)
    assert changed != text
    assert not intact(changed)


@pytest.mark.parametrize("depth", [900, 990, 2_000, 100_000])
def test_a_header_without_end_is_none_or_read(depth: int) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    text = f'# canaryctl {{"generation": "7-abc", "reason": {deep}}}\n'
    assert parse_header(text) in (None, {"generation": "7-abc"})
    assert not intact(text)


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "server {}\n", "# canaryctl ", "# canaryctl {}\n", "# canaryctl [1]\n"),
        *('# canaryctl {"generation": 1}\n', '# canaryctl {"gener'),
    ],
)
def test_what_is_not_a_header_is_none(text: str | None) -> None:
    assert parse_header(text) is None
    assert not intact(text)


@given(
    st.sampled_from([";", "{", "}", '"', "'", "$", "\n", "\r", " ", "\t", "\\", "#", "\0", "é"]),
    st.sampled_from(["stable", "canary", "peer", "upstream", "control", "generation", "resolver"]),
    st.integers(0, 4),
    weights,
)
def test_no_value_can_change_the_shape(bad: str, where: str, at: int, weight: Weight) -> None:
    value = "a:80x"[:at] + bad + "a:80x"[at:]
    values = {"stable": "s:80", "canary": "c:81", "peer": "10.0.0.1:81", "upstream": "demo"}
    values |= {"control": "9180", "generation": "7-abc", "resolver": "127.0.0.11", where: value}
    if where == "resolver" and bad == " " and at > 0:
        return  # several resolvers are several words
    made = Routing(
        values["upstream"],
        (Address(values["stable"]),),
        (Address(values["canary"], (values["peer"],)),),
        values["control"],
    )
    can = Abilities(resolve=True, resolver=values["resolver"])
    with pytest.raises(ConfigError, match="would change the shape"):
        render(PACKAGED, made, weight, values["generation"], Mark(), can)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{% if x %}\n", "line 1"),
        ("a;\n{{ nothing.here }}\n", "'nothing' is undefined"),
        ("{{ stable.wieght }}\n", "no attribute 'wieght'"),
        ("{{ 1 // 0 }}", "ZeroDivisionError"),
        ("{% include 'other' %}", "no loader"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ 'a;b' }}", "would change the shape"),
        ("{{ '\\\\' }}", "would change the shape"),
    ],
)
def test_a_broken_template_is_a_configuration_error(source: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        render(source, routing(), percent("5"), "7-abc", Mark(), CURRENT)
    assert caught.value.exit_code == 2
    assert caught.value.next_step


def test_a_template_of_ones_own_gets_the_header_as_well() -> None:
    own = "upstream {{ upstream }} { server {{ stable.servers[0].address }}; }\n"
    text = render(own, routing(), percent("5"), "7-abc", Mark(release="v2"), CURRENT)
    state = parse_header(text)
    assert state is not None
    assert (state["generation"], state["release"]) == ("7-abc", "v2")
    assert text.splitlines()[1] == "upstream demo { server 10.0.0.1:80; }"


def test_only_what_this_nginx_knows_is_rendered() -> None:
    named = routing(("app:8000",), ("app-canary:8001",))
    old, new = (rendered(percent("5"), named, can=can) for can in (Abilities(), CURRENT))
    assert "resolve" not in old
    assert "keepalive_min_timeout" not in old
    assert "resolver 127.0.0.11 " in new
    assert "server app:8000 weight=19 max_fails=0 resolve;" in new
    assert "keepalive_min_timeout 1500ms;" in new


def test_the_canary_is_followed_only_once_it_is_the_service() -> None:
    named = routing(("app:8000",), ("app-canary:8001",))
    assert "app-canary:8001 weight=1 max_fails=0;" in rendered(percent("5"), named)
    assert "app-canary:8001 weight=1 max_fails=0 resolve;" in rendered(Weight.FULL, named)


def test_a_name_from_the_hosts_file_is_not_followed() -> None:
    can = Abilities(resolve=True, resolver="127.0.0.11", only=frozenset({"other"}))
    text = rendered(percent("5"), routing(("app:8000",), ("app-canary:8001",)), can=can)
    assert "resolve" not in text


def _pattern_of(text: str, variable: str) -> list[tuple[re.Pattern[str], str]]:
    block = text.partition(f"${variable} {{")[2].partition("\n}")[0]
    return [(re.compile(pattern), value) for pattern, value in re.findall(r'"~(.+)" (\w+);', block)]


@given(addresses)
def test_the_version_is_told_from_the_last_attempt(every: list[str]) -> None:
    every = [one for one in every if not Address(one).is_name]
    if len(every) < 2:
        return
    text = rendered(percent("5"), routing(tuple(every[:1]), tuple(every[1:])))
    version = _pattern_of(text, "canaryctl_version")
    touched = _pattern_of(text, "canaryctl_touched")
    for last in every:
        for attempts in (last, f"{every[0]}, {last}", f"{every[-1]}, {every[0]} : {last}"):
            found = {value for pattern, value in version if pattern.search(attempts)}
            assert found == {"stable" if last == every[0] else "canary"}, attempts
            hit = any(pattern.search(attempts) for pattern, _ in touched)
            assert hit == any(one in re.split("[ ,]+", attempts) for one in every[1:])


def test_names_with_different_ports_are_told_apart_by_them() -> None:
    text = rendered(percent("5"), routing(("app:8000",), ("app-canary:8001",)))
    version = _pattern_of(text, "canaryctl_version")
    for address, expected in (("172.18.0.9:8000", "stable"), ("172.18.0.3:8001", "canary")):
        assert [value for pattern, value in version if pattern.search(address)] == [expected]
