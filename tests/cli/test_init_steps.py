"""The steps that ``canaryctl init`` prints, followed to the letter under steady requests."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from canaryctl.cli.init_choice import choose
from canaryctl.cli.init_compose import Service
from canaryctl.cli.init_find import Found, Nginx
from canaryctl.cli.init_nginx import Configuration, read_dump
from canaryctl.cli.init_published import Published
from canaryctl.cli.init_steps import Step, steps_to_take
from canaryctl.cli.init_tell import step_lines
from canaryctl.resources import shipped
from tests.small_image import tar

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
DIRECTORY = "com.docker.compose.project.working_dir"
FOR_CLIENTS = (Published(80, 8080, "0.0.0.0"),)  # noqa: S104  as Docker says it
CONTROL = Published(9180, 9180, "127.0.0.1")


# --- which steps --------------------------------------------------------------------------


def steps(nginx: Nginx | None, *services: Service) -> tuple[Step, ...]:
    found = Found(nginx=(nginx,) if nginx else (), services=services)
    return steps_to_take(choose(found, "shop"), Path("canary.yaml"))


def place_of(all_steps: tuple[Step, ...], words: str) -> int:
    (found,) = [i for i, one in enumerate(all_steps) if words in f"{one.do} {' '.join(one.run)}"]
    return found


BARE = Configuration("/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*.conf")
NGINXES = [
    None,
    Nginx("local", "/usr/sbin/nginx", command=("/usr/sbin/nginx",), configuration=BARE),
    Nginx("docker", "web", ports=FOR_CLIENTS, configuration=BARE),
    Nginx("docker", "web", ports=(*FOR_CLIENTS, CONTROL), configuration=BARE),
    Nginx("docker", "web", project="shop", service="web", problem="not read"),
    Nginx("docker", "web", host_network=True),
]


@pytest.mark.parametrize("nginx", NGINXES)
def test_the_location_comes_after_the_weights_and_before_the_last_reload(
    nginx: Nginx | None,
) -> None:
    found = steps(nginx)
    location, weights = place_of(found, "change the location"), place_of(found, "weights set 0")
    files = place_of(found, "Give NGINX")
    reloads = [i for i, one in enumerate(found) if "-s reload" in " ".join((*one.run, one.do))]
    assert files < reloads[0] < weights < location < reloads[1]
    assert len(reloads) == 2
    text = "\n".join(line for put in found[files].puts for line in put.lines.splitlines())
    assert "$canaryctl_upstream;" not in text
    assert all(one.clients for one in found)
    if nginx is not None:
        noticed = [one.do for one in found if not one.clients.startswith("notice nothing")]
        assert all("Publish NGINX's control port" in one for one in noticed)


def test_a_port_is_published_first_and_only_where_it_has_to_be() -> None:
    published = [any("9180:9180" in p.lines for s in steps(n) for p in s.puts) for n in NGINXES]
    assert published == [True, False, True, False, True, False]
    found = steps(NGINXES[4])
    port = place_of(found, "control port")
    assert port < place_of(found, "Give NGINX")
    assert found[port].run == ("docker-compose up -d web",)
    assert "the one step" in found[port].clients
    assert "/etc/nginx/conf.d on a volume" in found[port].do


def test_a_declared_nginx_is_started_instead_of_reloaded() -> None:
    found = steps(None, Service("web", "compose.yaml", "nginx", ((80, 80), (9180, 19180))))
    assert [one.run for one in found if one.run][1] == ("docker-compose up -d web",)
    assert not any("9180:9180" in put.lines for one in found for put in one.puts)


def test_the_commands_are_those_of_the_nginx_that_was_found() -> None:
    called = ("nginx", "-p", "/srv/my nginx/", "-g", "daemon off;")
    found = steps(Nginx("docker", "web", command=called, configuration=BARE, ports=(CONTROL,)))
    line = "docker exec web nginx -p '/srv/my nginx/' -g 'daemon off;'"
    assert f"{line} -t && {line} -s reload" in [command for one in found for command in one.run]


def test_the_log_format_is_read_before_the_servers_beside_it() -> None:
    for names, chosen in (
        ((), "canaryctl-http.conf"),
        (("default.conf",), "canaryctl-http.conf"),
        (("app.conf", "default.conf"), "00-canaryctl-http.conf"),
        (("00-app.conf",), "00--canaryctl-http.conf"),
    ):
        servers = tuple(f"/etc/nginx/conf.d/{name}" for name in names)
        seen = Configuration("/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*.conf", servers=servers)
        assert seen.http_file == chosen
    away = Configuration("/n.conf", "/etc/nginx/x/canaryctl-*.conf", servers=("/etc/nginx/x/app",))
    assert away.http_file == "canaryctl-http.conf"


def test_the_steps_are_numbered_and_fit_a_terminal() -> None:
    for nginx in NGINXES:
        lines = list(step_lines(found := steps(nginx)))
        numbers = [int(line[:3]) for line in lines if re.match(r" +\d+\. ", line)]
        assert numbers == list(range(1, len(found) + 1))
        assert sum(line.startswith("     Clients: ") for line in lines) == len(found)
        own = [line for line in lines if not line.startswith("       ")]
        assert [line for line in own if len(line) > 100 and "$" not in line] == []


# --- followed, on a real NGINX ------------------------------------------------------------


class Clients:
    """One that asks every few milliseconds, on a new connection each time; bounded."""

    def __init__(self, port: int) -> None:
        self.seen: Counter[str] = Counter()
        self._port = port
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        for _ in range(6000):
            if self._ended.wait(0.004):
                return
            self.seen[self.answer()] += 1

    def answer(self) -> str:
        """Give the status and the version that the answer names, or what went wrong."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/health")
            with connection.getresponse() as response:
                response.read()
                return f"{response.status} {response.headers['X-Canary-Version']}"
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        finally:
            connection.close()

    @contextmanager
    def asking(self) -> Iterator[Counter[str]]:
        self._thread.start()
        try:
            yield self.seen
        finally:
            self._ended.set()
            self._thread.join(timeout=10)
            assert not self._thread.is_alive()


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class Person:
    """Does what a step says, and knows where NGINX's files are."""

    def __init__(
        self,
        environment: Mapping[str, str],
        directory: Path,
        read: Callable[[str], str],
        write: Callable[[str, str], None],
        main: str,
        site: str,
    ) -> None:
        self.environment, self.directory = environment, directory
        self.read, self.write, self.main, self.site = read, write, main, site

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", command],
            cwd=self.directory,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def follow(self, step: Mapping[str, Any]) -> None:
        for put in step["puts"]:
            self.put(put["where"], put["lines"])
        for command in step["run"]:
            ended = self.run(command)
            assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"

    def put(self, where: str, lines: str) -> None:
        if where.startswith("at the top of NGINX's main file"):
            self.write(self.main, lines + self.read(self.main))
        elif where.startswith("inside http {}, before its first server {}"):
            self.write(self.main, self.read(self.main).replace("http {", f"http {{\n{lines}", 1))
        elif found := re.fullmatch("a new file (/.+)", where):
            self.write(found.group(1), lines)
        else:
            assert where.startswith("in that location {}, instead of its proxy_pass"), where
            text, done = re.subn(r"proxy_pass http:[^;]*;", lambda _: lines, self.read(self.site))
            assert done == 1
            self.write(self.site, text)


def followed(person: Person, clients: Clients) -> list[str]:
    """Follow init's steps under requests; give the titles of the steps."""
    said = json.loads(person.run("canaryctl init --force --output json").stdout)
    rehearsal = said["steps"].pop()
    assert rehearsal["run"] == ["canaryctl rollout --version v0.2.0 --dry-run"]
    before = clients.answer()
    assert before == "200 None"
    with clients.asking() as seen:
        until(lambda: seen[before] > 20, "the clients ask")
        for step in said["steps"]:
            person.follow(step)
            asked = seen.total()
            until(lambda asked=asked: seen.total() > asked + 5, "they go on asking")  # type: ignore[misc]
        until(lambda: seen["200 stable"] > 20, f"answers through canaryctl's upstream: {seen}")
    assert set(seen) == {"200 None", "200 stable"}
    return [step["do"] for step in said["steps"]]


def programs(folder: Path, **scripts: str) -> None:
    folder.mkdir()
    scripts["canaryctl"] = f"exec '{sys.executable}' -m canaryctl"
    for name, script in scripts.items():
        (folder / name).write_text(f'#!/bin/sh\n{script} "$@"\n')
        (folder / name).chmod(0o755)


def environment(place: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": f"{place}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(place),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "CANARYCTL_STATE_DIR": f"{place}/state",
        **more,
    }


EXISTING = """\
daemon off;
pid {place}/nginx.pid;
error_log {place}/error.log;
worker_processes 2;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3;
    uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{stable};
        }}
    }}
}}
"""


@contextmanager
def process(argv: list[str]) -> Iterator[None]:
    started = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        started.terminate()
        started.wait(timeout=10)


@pytest.mark.parametrize("kind", ["current", "the distribution's"])
def test_no_request_is_lost_at_a_local_nginx(
    kind: str, tmp_path: Path, nginx_binary: Path, free_port: Callable[[], int]
) -> None:
    installed = shutil.which("nginx") if kind != "current" else str(nginx_binary)
    if installed is None:
        pytest.skip("no nginx is installed (package nginx-light)")
    tmp_path.chmod(0o755)
    port, stable, control = (free_port() for _ in range(3))
    main = tmp_path / "nginx.conf"
    main.write_text(EXISTING.format(place=tmp_path, port=port, stable=stable))
    here = tmp_path / "shop"
    here.mkdir()
    ports = f"127.0.0.1:{stable}:{stable}"
    services = {"services": {"app": {"image": "x", "ports": [ports]}}}
    (here / "compose.yaml").write_text(json.dumps(services))
    command = [installed, "-p", f"{tmp_path}/", "-c", str(main)]
    programs(tmp_path / "bin", nginx=f"exec '{installed}' -p '{tmp_path}/' -c '{main}'")

    def write(path: str, text: str) -> None:
        assert path.startswith(str(tmp_path)), path
        Path(path).parent.mkdir(exist_ok=True)
        text = text.replace("/var/log/nginx", str(tmp_path))
        Path(path).write_text(text.replace("127.0.0.1:9180", f"127.0.0.1:{control}"))

    person = Person(
        environment(tmp_path, DOCKER_HOST=f"unix://{tmp_path}/no-engine.sock"),
        here,
        lambda path: Path(path).read_text(),
        write,
        str(main),
        str(main),
    )
    # The control port is this machine's; another test may have the usual one.
    programs_init = tmp_path / "bin/canaryctl"
    mended = f"sed -i 's/127.0.0.1:9180\"/127.0.0.1:{control}\"/' canary.yaml"
    programs_init.write_text(
        f'#!/bin/sh\n\'{sys.executable}\' -m canaryctl "$@" || exit\n[ "$1" != init ] || {mended}\n'
    )
    service = str(shipped("compose/app/service.py"))
    clients = Clients(port)
    with process([sys.executable, service, "--port", str(stable)]), process(command):
        until(lambda: clients.answer().startswith("200"), "the service answers through NGINX")
        titles = followed(person, clients)
    assert [title.partition(",")[0].partition(":")[0] for title in titles] == [
        "Read canary.yaml",
        "Give NGINX what canaryctl needs (nginx/nginx.canary.conf is a complete example)",
        "Test and reload",
        "Bring canaryctl's file into force",
        "Only now change the location of this service",
        "Test and reload",
    ]


SITE = """\
server {{
    listen 80;
    location / {{
        proxy_pass http://{app}:8000;
    }}
}}
"""
APP = 'server { listen 8000; location / { return 200 "stable"; } }\n'


@pytest.mark.docker
def test_no_request_is_lost_at_a_container(
    base_image: str,
    docker_url: str,
    docker_network: Any,
    run_container: Any,
    tmp_path: Path,
) -> None:
    def container(site: str, name: str, **options: Any) -> Any:
        command = ["nginx", "-p", "/etc/nginx/", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;"]
        started = run_container(
            base_image, command, name=name, network=docker_network.name, **options
        )
        started.put_archive("/etc/nginx/conf.d", tar({"app.conf": site.encode()}).getvalue())
        reloaded = started.exec_run([*command[:5], "-s", "reload"])
        assert reloaded.exit_code == 0, reloaded.output
        return started

    token = uuid.uuid4().hex[:8]
    app = f"app-{token}"
    here = tmp_path / "shop"
    here.mkdir()
    services = {app: {"image": "x", "expose": ["8000"]}, "web": {"image": "nginx"}}
    (here / "compose.yaml").write_text(json.dumps({"services": services}))
    programs(tmp_path / "bin")
    container(APP, app)
    labels = {PROJECT: f"shop-{token}", SERVICE: "web", DIRECTORY: str(here)}
    ports = {"80/tcp": ("127.0.0.1", None), "9180/tcp": ("127.0.0.1", None)}
    gateway = container(SITE.format(app=app), f"web-{token}", labels=labels, ports=ports)
    port = int(gateway.attrs["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"])

    def read(path: str) -> str:
        ended = gateway.exec_run(["cat", path])
        assert ended.exit_code == 0, ended.output
        return str(ended.output.decode())

    def write(path: str, text: str) -> None:
        folder, _, name = path.rpartition("/")
        assert gateway.put_archive(folder, tar({name: text.encode()}).getvalue())

    site = "/etc/nginx/conf.d/app.conf"
    person = Person(
        environment(tmp_path, DOCKER_HOST=docker_url),
        here,
        read,
        write,
        "/etc/nginx/nginx.conf",
        site,
    )
    clients = Clients(port)
    until(lambda: clients.answer().startswith("200"), "the service answers through NGINX")
    titles = followed(person, clients)

    assert titles[2:5] == [
        "Test and reload",
        "Bring canaryctl's file into force, with all traffic on stable",
        "Only now change the location of this service",
    ]
    # The service's name was the host of its proxy_pass; and app.conf comes before canaryctl-….
    assert f'upstream: "{app}-canaryctl"' in (here / "canary.yaml").read_text()
    assert "log_format canary" in read("/etc/nginx/conf.d/00-canaryctl-http.conf")


@pytest.mark.docker
def test_an_upstream_of_a_proxy_pass_host_is_what_nginx_refuses(
    base_image: str, docker_url: str, run_container: Any, tmp_path: Path
) -> None:
    """The defect that the other name is for, on the real NGINX."""
    command = ["nginx", "-p", "/etc/nginx/", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;"]
    gateway = run_container(
        base_image,
        command,
        ports={"9180/tcp": ("127.0.0.1", None)},
        extra_hosts={"app": "127.0.0.1"},
        labels={PROJECT: "shop", SERVICE: "web", DIRECTORY: str(tmp_path)},
    )
    gateway.put_archive(
        "/etc/nginx/conf.d", tar({"app.conf": SITE.format(app="app").encode()}).getvalue()
    )
    (tmp_path / "compose.yaml").write_text("services: {app: {image: x, expose: ['8000']}}")
    programs(tmp_path / "bin")
    person = Person(environment(tmp_path, DOCKER_HOST=docker_url), tmp_path, str, print, "", "")
    assert person.run("canaryctl init").returncode == 0
    written = (tmp_path / "canary.yaml").read_text()
    named = re.sub(r"project: .*\n +service: .*\n", f"container: {gateway.name}\n", written)
    upstream = '  upstream: "app-canaryctl"\n'
    assert upstream in named
    dump = gateway.exec_run([*command[:5], "-T"]).output.decode()
    assert read_dump(dump).hosts == ("app",)

    (tmp_path / "canary.yaml").write_text(named.replace(upstream, ""))
    refused = person.run("canaryctl weights set 0")
    (tmp_path / "canary.yaml").write_text(named)
    accepted = person.run("canaryctl weights set 0")

    assert refused.returncode == 2
    assert 'upstream "app" may not have port 8000' in " ".join(refused.stderr.split())
    assert accepted.returncode == 0, accepted.stderr
