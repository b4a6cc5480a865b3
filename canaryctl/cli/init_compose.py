"""What the Compose files in a directory say: services, their ports, which may be the versions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_CANARY_FILES = ("*.canary.yml", "*.canary.yaml")
_LONGEST = 1_000_000
_REFERENCE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::?-([^}]*))?[^}]*\}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_GUESSED_PORT = 8000
_PORT_VARIABLES = ("PORT", "APP_PORT", "HTTP_PORT", "SERVER_PORT")
# What stands beside a service rather than being one; by the image's last name.
# fmt: off
_BESIDE = (
    "nginx", "openresty", "angie", "traefik", "haproxy", "caddy", "envoy", "prometheus",
    "grafana", "alertmanager", "loki", "postgres", "postgresql", "mysql", "mariadb", "mongo",
    "redis", "valkey", "memcached", "rabbitmq", "kafka", "zookeeper", "elasticsearch",
    "opensearch", "minio", "jaeger", "cadvisor", "mailhog", "adminer",
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a Compose file.

    Attributes:
        name: as Compose calls it, and as NGINX on the same network resolves it.
        file: where it was found.
        image: what it runs; empty where it is built.
        ports: container port → port of this machine, None where it is not published there; the
            port that the environment names as the service's own comes first.
        container: its container's name where the file sets one.
    """

    name: str
    file: str
    image: str = ""
    ports: tuple[tuple[int, int | None], ...] = ()
    container: str = ""

    @property
    def kind(self) -> str:
        """The image's last name: ``prom/prometheus:v3`` is ``prometheus``."""
        return self.image.partition("@")[0].rpartition("/")[2].partition(":")[0]

    @property
    def port(self) -> int | None:
        """The port it most likely serves on; None where the file names none."""
        return self.ports[0][0] if self.ports else None

    @property
    def address(self) -> str:
        """``host:port``; the port is a guess where the file names none."""
        return f"{self.name}:{self.port or _GUESSED_PORT}"

    def published(self, port: int) -> int | None:
        """Give this machine's port for one of the container's."""
        return dict(self.ports).get(port)


def compose_services(
    directory: Path, environment: Mapping[str, str]
) -> tuple[tuple[Service, ...], tuple[str, ...]]:
    """Read the Compose files of a directory.

    Returns:
        The services, a later file's over an earlier one's; and a note for each file that could
        not be read.
    """
    found: dict[str, Service] = {}
    notes = []
    for path in _files(directory):
        try:
            parsed = _parsed(path)
        except ValueError as error:
            notes.append(f"{path.name} was not looked at: {error}")
            continue
        for name, service in parsed.items():
            if isinstance(name, str) and isinstance(service, dict) and _HOST.fullmatch(name):
                found[name] = _service(name, path.name, service, environment)
    return tuple(found.values()), tuple(notes)


def choose_versions(services: Sequence[Service]) -> tuple[Service | None, Service | None]:
    """Give the stable and the canary service, as far as their names tell."""
    own = [one for one in services if one.kind not in _BESIDE and one.name not in _BESIDE]
    canaries = [one for one in own if "canary" in one.name.lower()]
    others = [one for one in own if one not in canaries]
    for canary in canaries:
        base = re.sub(r"[-_.]?canary[-_.]?", "", canary.name, flags=re.IGNORECASE)
        for stable in others:
            if stable.name in (base, f"{base}-stable", f"{base}_stable"):
                return stable, canary
    serving = [one for one in others if one.ports] or others
    return (serving[0] if serving else None), (canaries[0] if canaries else None)


def _files(directory: Path) -> list[Path]:
    named = [directory / name for name in _FILES]
    canary = [path for pattern in _CANARY_FILES for path in sorted(directory.glob(pattern))]
    return [path for path in dict.fromkeys((*named, *canary)) if path.is_file()]


def _parsed(path: Path) -> dict[Any, Any]:
    import yaml

    try:
        if path.stat().st_size > _LONGEST:
            raise ValueError(f"it is longer than {_LONGEST:,} bytes")
        parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        first = str(error).partition("\n")[0]
        raise ValueError(first or type(error).__name__) from error
    services = parsed.get("services") if isinstance(parsed, dict) else None
    return services if isinstance(services, dict) else {}


def _service(
    name: str, file: str, service: Mapping[str, Any], environment: Mapping[str, str]
) -> Service:
    def text(key: str) -> str:
        return _filled(str(service.get(key) or ""), environment)

    own = _own_port(service.get("environment"), environment)
    ports: dict[int, int | None] = {} if own is None else {own: None}
    for container, here in _ports(service, environment):
        ports[container] = here if here is not None else ports.get(container)
    return Service(name, file, text("image"), tuple(ports.items()), text("container_name"))


def _ports(
    service: Mapping[str, Any], environment: Mapping[str, str]
) -> Iterator[tuple[int, int | None]]:
    for key in ("ports", "expose"):
        entries = service.get(key)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                parts = [str(entry.get("published") or ""), str(entry.get("target") or "")]
            else:
                parts = _filled(str(entry), environment).partition("/")[0].split(":")
            container = _port(parts[-1])
            if container is not None:
                yield container, _port(parts[-2]) if len(parts) > 1 else None


def _own_port(given: Any, environment: Mapping[str, str]) -> int | None:
    """Read the port that a service is told to serve on."""
    if isinstance(given, list):
        given = dict(str(entry).partition("=")[::2] for entry in given)
    if not isinstance(given, dict):
        return None
    told = (_port(_filled(str(given.get(name)), environment)) for name in _PORT_VARIABLES)
    return next((port for port in told if port is not None), None)


def _port(text: str) -> int | None:
    """Read a port; None for a range, a name or nothing."""
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) <= 65535 else None  # noqa: PLR2004


def _filled(text: str, environment: Mapping[str, str]) -> str:
    def replaced(found: re.Match[str]) -> str:
        variable, default = found.groups()
        return "$" if variable is None else environment.get(variable) or default or ""

    return _REFERENCE.sub(replaced, text)
