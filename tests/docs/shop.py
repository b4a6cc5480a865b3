"""The project that the README's quick start assumes, and the same one once it was prepared."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from canaryctl.resources import shipped
from tests.docs.place import Place
from tests.e2e.harness import eventually

CLIENTS = "http://127.0.0.1:8080/health"
IMAGE = "shop-app:1"
_FILES = Path(__file__).with_name("shop")
# The README's own file; what has to be short is.
CANARY_YAML = """\
service: shop
versions:
  stable: {address: "app:8000"}
  canary: {address: "app-canary:8001"}
gateway:
  driver: docker
  project: shop
  service: nginx
  config: /etc/nginx/conf.d/canaryctl-upstream.conf
  verify: http://127.0.0.1:9180
  attempts: /var/log/nginx/canaryctl-attempts.log
metrics:
  provider: prometheus
  url: http://127.0.0.1:9090
"""
SHORT = "1s"
LONG = "30s"
"""Of a stage. A plan of pages lasts an hour, at traffic that this machine has not; this one lasts
seconds, but for a rollout in another terminal, of which the page asks something meanwhile."""
# A busy machine has few samples in a second: a stage may be extended long.
_PLAN = {"stages": [50, 100], "interval": "500ms", "extend_to": 10}
_PROMOTION = {"watch": "2s", "settle": "1s"}


def shortened(path: Path, observe: str = SHORT) -> None:
    """Give a canary.yaml a plan of seconds; everything else stays as it is."""
    parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
    plan = {**(parsed.get("plan") or {}), **_PLAN, "observe": observe}
    short = {**parsed, "plan": plan}
    if "deploy" in parsed:
        short["promotion"] = {**(parsed.get("promotion") or {}), **_PROMOTION}
    if short != parsed:
        path.write_text(yaml.safe_dump(short, allow_unicode=True, sort_keys=False))


class Shop:
    """The project, below ``base/shop``: Compose names it after its folder."""

    def __init__(self, place: Place, base: Path) -> None:
        self.place = place
        self.folder = base / "shop"

    def up(self) -> None:
        """Start it as it is before canaryctl came: no canary, no control port."""
        self.place.docker(
            *("build", "--quiet", "--tag", IMAGE),
            *("--build-arg", "PYTHON_IMAGE=canaryctl-demo/python:1", str(shipped("compose/app"))),
        )
        shutil.copytree(_FILES, self.folder)
        self.compose("-f", "docker-compose.yml", "up", "-d")
        self._wait(CLIENTS)
        self._wait("http://127.0.0.1:9090/-/ready")

    def prepare(self) -> None:
        """Do what the quick start tells, up to its step 6."""
        nginx = self.folder / "nginx/conf.d"
        shutil.copy(shipped("nginx/canaryctl-http.conf"), nginx)
        default = nginx / "default.conf"
        location = shipped("nginx/canaryctl-location.conf").read_text()
        text = default.read_text().replace("proxy_pass http://app:8000;", location)
        compose = self.folder / "docker-compose.yml"
        ports = 'ports: ["8080:80"'
        compose.write_text(compose.read_text().replace(ports, f'{ports}, "127.0.0.1:9180:9180"'))
        config = self.folder / "canary.yaml"
        config.write_text(CANARY_YAML)
        shortened(config)
        self.compose("-f", "docker-compose.yml", "-f", "docker-compose.canary.yml", "up", "-d")
        self._wait(CLIENTS)
        self.zero()
        default.write_text(text)
        self.compose("exec", "-T", "nginx", "nginx", "-s", "reload")
        self._wait(CLIENTS)

    def zero(self) -> None:
        """Bring all traffic onto stable."""
        self.place.run(self.folder, "canaryctl", "weights", "set", "0")

    def compose(self, *argv: str) -> None:
        """Run Compose in its folder."""
        self.place.run(self.folder, "docker-compose", *argv)

    def down(self) -> None:
        """Take it down; its folder stays until the session ends."""
        self.compose(
            *("-f", "docker-compose.yml", "-f", "docker-compose.canary.yml"),
            *("down", "--volumes", "--remove-orphans", "--timeout", "2"),
        )

    def _wait(self, url: str) -> None:
        eventually(lambda: self.place.answers(url), f"{url} answers")
