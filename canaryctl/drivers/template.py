"""Weights become NGINX text. Pure: the same input gives the same text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from canaryctl.core.errors import ConfigError
from canaryctl.core.weight import FULL_HUNDREDTHS, Weight, server_weights
from canaryctl.ports import Mark

HEADER = "# canaryctl "
_SAFE = re.compile(r"[A-Za-z0-9_.:/\[\]%@+= \\^-]*")


class Verbatim(str):
    """Text that may hold any character of one line: only the header, which is a comment."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a version, as configured, and the peers NGINX sees behind it."""

    address: str
    peers: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """The name or IP address, without brackets; empty for a Unix socket."""
        if self.address.startswith("unix:"):
            return ""
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def is_name(self) -> bool:
        """Whether it has to be looked up."""
        return bool(self.host) and re.fullmatch(r"[0-9.]+|.*:.*", self.host) is None


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this NGINX knows, and how it looks names up."""

    resolve: bool = False
    keepalive_min_timeout: bool = False
    resolver: str = ""


@dataclass(frozen=True, slots=True)
class Routing:
    """What the template needs besides weights.

    Attributes:
        upstream: the group's name, used in the user's ``proxy_pass``.
        stable: stable's addresses, at least one.
        canary: the canary's, at least one.
        control: what the control listener listens on.
        keepalive: idle connections to the backends kept by each worker.
    """

    upstream: str
    stable: tuple[Address, ...]
    canary: tuple[Address, ...]
    control: str
    keepalive: int = 64


def render(
    source: str, routing: Routing, weight: Weight, generation: str, mark: Mark, can: Abilities
) -> str:
    """Fill the template in.

    Raises:
        ConfigError: the template is not valid Jinja, asks for something that does not exist,
            or would let a value change the configuration's shape.
    """
    from jinja2 import StrictUndefined, TemplateError  # noqa: PLC0415  94 ms
    from jinja2.sandbox import SandboxedEnvironment  # noqa: PLC0415

    environment = SandboxedEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalized,
        autoescape=False,
    )
    try:
        text = environment.from_string(source).render(
            _context(routing, weight, generation, mark, can)
        )
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f" in line {line}" if line else ""
        raise ConfigError(
            f"gateway.template{where}: {error}",
            next_step="compare it with the packaged template (nginx/upstream.conf.j2)",
        ) from error
    # The state is read back from the first line, so a user's template gets it as well.
    head = header(weight, generation, mark)
    return text if text.startswith(HEADER) else f"{head}\n{text}"


def _context(
    routing: Routing, weight: Weight, generation: str, mark: Mark, can: Abilities
) -> dict[str, object]:
    stable_peers, canary_peers = _peer_count(routing.stable), _peer_count(routing.canary)
    stable_weight, canary_weight = server_weights(weight, stable_peers, canary_peers)
    resolving = can.resolve and bool(can.resolver)
    return {
        "header": Verbatim(header(weight, generation, mark)),
        "generation": generation,
        "upstream": routing.upstream,
        "zone": f"canaryctl_{routing.upstream}",
        "stable": {
            "servers": _servers(routing.stable, resolving=resolving),
            "weight": stable_weight,
            "share": str(Weight(FULL_HUNDREDTHS - weight.hundredths)),
        },
        "canary": {
            "servers": _servers(routing.canary, resolving=resolving),
            "weight": canary_weight,
            "share": str(weight),
        },
        "peers": _patterns(routing),
        "control": routing.control,
        "keepalive": routing.keepalive,
        "resolver": can.resolver if resolving and _any_name(routing) else "",
        "keepalive_min_timeout": can.keepalive_min_timeout,
    }


def _any_name(routing: Routing) -> bool:
    return any(address.is_name for address in (*routing.stable, *routing.canary))


def _peer_count(addresses: Sequence[Address]) -> int:
    """NGINX gives a name's weight to every address behind it, so each one counts."""
    return sum(max(1, len(address.peers)) for address in addresses)


def _servers(addresses: Sequence[Address], *, resolving: bool) -> list[dict[str, object]]:
    return [{"address": a.address, "resolve": resolving and a.is_name} for a in addresses]


def _patterns(routing: Routing) -> list[dict[str, str]]:
    """Tell the versions apart by what ``$upstream_addr`` can show.

    A name is known there only by its IP address, which may change. Where the versions' ports
    differ the port alone tells them apart, whatever the address becomes.
    """
    sides = {"canary": routing.canary, "stable": routing.stable}
    ports = {side: {_port(a) for a in addresses} for side, addresses in sides.items()}
    distinct = not ports["canary"] & ports["stable"] and "" not in ports["canary"] | ports["stable"]
    found: list[dict[str, str]] = []
    for side, addresses in sides.items():
        for address in addresses:
            if address.is_name and distinct:
                known = [rf"[^ ,]+:{_port(address)}"]
            elif address.is_name:
                known = [_escaped(peer) for peer in address.peers]
            else:
                known = [_escaped(address.address)]
            found += [{"pattern": pattern, "version": side} for pattern in known]
    unique = {(one["pattern"], one["version"]): one for one in found}
    return list(unique.values())


def _port(address: Address) -> str:
    return "" if address.address.startswith("unix:") else address.address.rpartition(":")[2]


def _escaped(text: str) -> str:
    return re.sub(r"[.\[\]+]", lambda match: "\\" + match.group(), text)


def _finalized(value: object) -> object:
    """Let only characters through that cannot end an NGINX string, directive or block."""
    if isinstance(value, Verbatim):
        return value
    text = str(value)
    if _PATTERN_SAFE.fullmatch(text):
        return text
    raise ConfigError(
        f"{text!r} would change the shape of NGINX's configuration",
        next_step="remove quotes, braces, semicolons, dollar signs and line breaks from it",
    )


_PATTERN_SAFE = re.compile(rf"(?:{_SAFE.pattern}|\[\^ ,\]\+:[0-9]+)")


def header(weight: Weight, generation: str, mark: Mark) -> str:
    """Give the first line of the file: its state, as a comment that stays one line."""
    state = {"generation": generation, "weight": str(weight), **asdict(mark)}
    return HEADER + json.dumps(state, ensure_ascii=True)


def parse_header(text: str | None) -> Mapping[str, str] | None:
    """Read the state back; None when the file is not canaryctl's."""
    first = (text or "").partition("\n")[0]
    if not first.startswith(HEADER):
        return None
    try:
        state = json.loads(first.removeprefix(HEADER))
    except ValueError:
        return None
    if not isinstance(state, dict) or not isinstance(state.get("generation"), str):
        return None
    return {str(key): str(value) for key, value in state.items()}
