"""Of what was found, the likeliest: which NGINX, which service, which of its versions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from canaryctl.cli.init_compose import Service, choose_versions
from canaryctl.cli.init_find import CONTROL, Found, Nginx
from canaryctl.cli.init_near import Nearness
from canaryctl.cli.init_nginx import FILE, Configuration

_PLACE = f"/etc/nginx/conf.d/{FILE}"
_ATTEMPTS = "/var/log/nginx/canaryctl-attempts.log"
_PATH = re.compile(r"/[A-Za-z0-9_./+@-]+")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST_NAME = 50


@dataclass(frozen=True, slots=True)
class Choice:
    """What goes into the file; ``None`` where nothing was found and a person must fill it in."""

    service: str
    nginx: Nginx | None
    in_compose: Service | None
    project: str
    stable: Service | None
    canary: Service | None
    prometheus: str

    @property
    def place(self) -> str:
        """Where canaryctl's file goes, seen from NGINX."""
        seen = self.configuration
        place = seen.place or (
            f"{PurePosixPath(seen.main).parent}/conf.d/{FILE}" if seen.main else ""
        )
        return place if _PATH.fullmatch(place) else _PLACE

    @property
    def attempts(self) -> str:
        """NGINX's log of attempts: the one it writes, else as the packaged lines say."""
        there = self.configuration.attempts
        return there if _PATH.fullmatch(there) else _ATTEMPTS

    @property
    def configuration(self) -> Configuration:
        """What NGINX's says; empty where it could not be read."""
        return self.nginx.configuration if self.nginx else Configuration()

    @property
    def upstream(self) -> str:
        """The upstream's name where the service's is, or may be, taken; else empty.

        NGINX takes the host of each ``proxy_pass`` for an upstream, and refuses another one of
        that name: ``upstream "app" may not have port 8000``. Where its configuration could not
        be read, it most likely passes to the service by its name.
        """
        seen = self.configuration
        taken = {name.lower() for name in (*seen.upstreams, *seen.hosts)}
        if not seen.main and self.stable is not None:
            taken.add(self.service.lower())
        names = [self.service, f"{self.service}-canaryctl"]
        names += [f"{names[1]}-{number}" for number in range(2, len(taken) + 2)]
        free = next(name for name in names if name.lower() not in taken)
        return "" if free == self.service else free

    @property
    def verify(self) -> str:
        """Where the control listener answers from here."""
        control = self.nginx.control if self.nginx else None
        declared = self.in_compose.published(CONTROL) if self.in_compose else None
        return f"http://127.0.0.1:{control.here if control else declared or CONTROL}"

    @property
    def control(self) -> str:
        """What it listens on where that is not the port of ``verify``; else empty."""
        if self.nginx is not None and self.nginx.host_network:
            return f"127.0.0.1:{CONTROL}"
        declared = self.in_compose.published(CONTROL) if self.in_compose else None
        if declared and declared != CONTROL:
            return str(CONTROL)
        control = self.nginx.control if self.nginx else None
        return str(control.container) if control and control.container != control.here else ""


def choose(found: Found, directory: str) -> Choice:
    """Decide for the likeliest.

    Args:
        found: all there is.
        directory: the name of the directory, for names that nothing else gives.
    """
    stable, canary = choose_versions(found.services)
    nginx = found.nginx[0] if found.nginx else None
    declared = [one for one in found.services if one.kind == "nginx" or one.name == "nginx"]
    if nginx is not None and declared and not _may_be_meant(nginx, declared):
        nginx = None  # the Compose file says which NGINX is meant; it only does not run yet
    return Choice(
        service=_name(stable.name if stable else directory),
        nginx=nginx,
        in_compose=declared[0] if declared and nginx is None else None,
        project=_NOT_IN_A_NAME.sub("", directory.lower()).replace(".", "") or "default",
        stable=stable,
        canary=canary,
        prometheus=found.prometheus,
    )


def _may_be_meant(nginx: Nginx, declared: Sequence[Service]) -> bool:
    """Tell whether a running NGINX may be one that this directory declares."""
    if nginx.driver == "local" or nginx.nearness is Nearness.FOREIGN:
        return False
    if nginx.nearness is Nearness.SAME_SERVICE and nginx.directory:
        return False
    if nginx.nearness is Nearness.OWN:
        return True
    # Neither the directory nor another one is known: only a name can tell.
    return any(nginx.service == one.name or nginx.name == one.container for one in declared)


def _name(text: str) -> str:
    name = _NOT_IN_A_NAME.sub("-", text).strip("-_.")[:_LONGEST_NAME]
    return name or "my-service"
