"""Of what was found, the likeliest: which NGINX, which service, which of its versions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from canaryctl.cli.init_compose import Service, choose_versions
from canaryctl.cli.init_find import CONTROL, Found, Nginx
from canaryctl.cli.init_nginx import FILE

_PLACE = f"/etc/nginx/conf.d/{FILE}"
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
        place = self.nginx.configuration.place if self.nginx else ""
        return place if _PATH.fullmatch(place) else _PLACE

    @property
    def upstream(self) -> str:
        """The upstream's name where the service's is taken; else empty."""
        taken = self.nginx.configuration.upstreams if self.nginx else ()
        return f"{self.service}-canaryctl" if self.service in taken else ""

    @property
    def verify(self) -> str:
        """Where the control listener answers from here."""
        control = self.nginx.control if self.nginx else None
        return f"http://127.0.0.1:{control.here if control else CONTROL}"

    @property
    def control(self) -> str:
        """What it listens on where that is not the port of ``verify``; else empty."""
        if self.nginx is not None and self.nginx.host_network:
            return f"127.0.0.1:{CONTROL}"
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
    if nginx is not None and nginx.driver == "local" and declared:
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


def _name(text: str) -> str:
    name = _NOT_IN_A_NAME.sub("-", text).strip("-_.")[:_LONGEST_NAME]
    return name or "my-service"
