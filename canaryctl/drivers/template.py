"""Weights become NGINX text. Pure: the same input gives the same text."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from canaryctl.core.errors import ConfigError
from canaryctl.core.weight import FULL_HUNDREDTHS, Weight, server_weights
from canaryctl.ports import Mark

if TYPE_CHECKING:
    from jinja2 import Template

HEADER = "# canaryctl "
_WORD = re.compile(r"[A-Za-z0-9_.:/\[\]%@+=~,-]+")
_WORDS = re.compile(rf"{_WORD.pattern}( {_WORD.pattern})*")
# What may come out of an expression of a template: no quotes, braces, semicolons, dollar signs,
# comments, line breaks, nor a backslash before anything that it would take the meaning from.
_INERT = re.compile(r"(?:[A-Za-z0-9_.:/\[\]%@+=~,^() -]|\\[^A-Za-z0-9\s;{}\"'$#\\])*")

_MOST_TRIES = 8
"""Attempts of one request that are counted; those before have all failed."""


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
    """What this NGINX knows, and how it looks names up.

    Attributes:
        resolve: whether an upstream's ``server`` may say ``resolve``.
        keepalive_min_timeout: whether our file is to set it for all clients.
        resolver: DNS server for ``resolve``; empty: names are looked up once, at each change.
        idle_may_end: whether ``keepalive_min_timeout 0`` is known, for our own listener.
        only: names that this DNS server knows; None: all of them.
    """

    resolve: bool = False
    keepalive_min_timeout: bool = False
    resolver: str = ""
    idle_may_end: bool = False
    only: frozenset[str] | None = None

    def looks_up(self, address: Address) -> bool:
        """Tell whether NGINX itself keeps looking this address up."""
        known = self.only is None or address.host in self.only
        return bool(self.resolve and self.resolver and address.is_name and known)


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
    from jinja2 import TemplateError  # noqa: PLC0415  94 ms

    try:
        text = _compiled(source).render(_context(routing, weight, generation, can))
    except ConfigError:
        raise
    except Exception as error:  # a template may fail like any program: 1/0, None.x, a bad filter
        line = getattr(error, "lineno", None)
        where = f" in line {line}" if line else ""
        kind = "" if isinstance(error, TemplateError) else f"{type(error).__name__}: "
        raise ConfigError(
            f"gateway.template{where}: {kind}{error}",
            next_step="compare it with the packaged template (nginx/upstream.conf.j2)",
        ) from error
    text = text.lstrip("\n")
    # The state is read back from the first line, so a user's template gets it as well.
    return f"{header(weight, generation, mark, text)}\n{text}"


@lru_cache(maxsize=8)
def _compiled(source: str) -> Template:
    """Compile a template once: that takes longer than all the weights of a rollout together."""
    from jinja2 import StrictUndefined  # noqa: PLC0415
    from jinja2.sandbox import SandboxedEnvironment  # noqa: PLC0415

    environment = SandboxedEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalized,
        autoescape=False,
    )
    return environment.from_string(source)


def _context(
    routing: Routing, weight: Weight, generation: str, can: Abilities
) -> dict[str, object]:
    stable_peers, canary_peers = _peer_count(routing.stable), _peer_count(routing.canary)
    stable_weight, canary_weight = server_weights(weight, stable_peers, canary_peers)
    # A name that NGINX follows loses its peers when it is gone, and with them what is on its way
    # is lost: NGINX retries nowhere once the table of peers has changed (seen as 504). So the
    # canary's disappearance may not change it, until the canary is the service.
    follow = can if weight == Weight.FULL else Abilities()
    followed = [*filter(can.looks_up, routing.stable), *filter(follow.looks_up, routing.canary)]
    _checked(routing, generation, can)
    return {
        "generation": generation,
        "upstream": routing.upstream,
        "zone": f"canaryctl_{routing.upstream}",
        "stable": {
            "servers": _servers(routing.stable, can),
            "weight": stable_weight,
            "share": str(Weight(FULL_HUNDREDTHS - weight.hundredths)),
        },
        "canary": {
            "servers": _servers(routing.canary, follow),
            "weight": canary_weight,
            "share": str(weight),
        },
        "peers": _patterns(routing),
        # NGINX tries each server once, and a second time when an idle connection has just ended.
        "tries": min(stable_peers + canary_peers + 1, _MOST_TRIES),
        "others_are_stable": not any(map(follow.looks_up, routing.canary)),
        "control": routing.control,
        "keepalive": routing.keepalive,
        "resolver": can.resolver if followed else "",
        "keepalive_min_timeout": can.keepalive_min_timeout,
        "idle_may_end": can.idle_may_end,
    }


def _checked(routing: Routing, generation: str, can: Abilities) -> None:
    """Refuse values that are more than one word to NGINX, wherever a template puts them."""
    addresses = [one.address for one in (*routing.stable, *routing.canary)]
    peers = [peer for one in (*routing.stable, *routing.canary) for peer in one.peers]
    for value in (*addresses, *peers, routing.upstream, routing.control, generation):
        if not _WORD.fullmatch(value):
            raise _shape(value)
    if can.resolver and not _WORDS.fullmatch(can.resolver):
        raise _shape(can.resolver)


def _peer_count(addresses: Sequence[Address]) -> int:
    """NGINX gives a name's weight to every address behind it, so each one counts."""
    return sum(max(1, len(address.peers)) for address in addresses)


def _servers(addresses: Sequence[Address], can: Abilities) -> list[dict[str, object]]:
    return [{"address": one.address, "resolve": can.looks_up(one)} for one in addresses]


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
    return re.sub(r"[^A-Za-z0-9_:/%@=~,-]", lambda match: "\\" + match.group(), text)


def _finalized(value: object) -> object:
    """Let only text through that cannot end an NGINX string, directive or block."""
    if _INERT.fullmatch(str(value)):
        return value
    raise _shape(str(value))


def _shape(text: str) -> ConfigError:
    return ConfigError(
        f"{text!r} would change the shape of NGINX's configuration",
        next_step="remove blanks, quotes, braces, semicolons, dollar signs and line breaks from it",
    )


def header(weight: Weight, generation: str, mark: Mark, body: str) -> str:
    """Give the first line of the file: its state, as a comment that stays one line.

    ``body`` is what follows it, down to the end; a digest of both tells edits by hand.
    """
    return _sealed({"generation": generation, "weight": str(weight), **asdict(mark)}, body)


def _sealed(state: Mapping[str, str], body: str) -> str:
    said = json.dumps(state, ensure_ascii=True)
    digest = hashlib.sha256(f"{said}\n{body}".encode(errors="surrogatepass")).hexdigest()[:16]
    return HEADER + json.dumps({**state, "digest": digest}, ensure_ascii=True)


def intact(text: str | None) -> bool:
    """Tell whether a file is canaryctl's and complete, as it was written: header and body."""
    first, _, body = (text or "").partition("\n")
    state = parse_header(text)
    if state is None:
        return False
    return first == _sealed({key: one for key, one in state.items() if key != "digest"}, body)


def parse_header(text: str | None) -> Mapping[str, str] | None:
    """Read the state back; None when the file is not canaryctl's."""
    first = (text or "").partition("\n")[0]
    if not first.startswith(HEADER):
        return None
    try:
        state = json.loads(first.removeprefix(HEADER))
    except (ValueError, RecursionError):
        return None
    if not isinstance(state, dict) or not isinstance(state.get("generation"), str):
        return None
    return {key: value for key, value in state.items() if isinstance(value, str)}
