"""``canaryctl init``: what it finds, the file it writes, and the snippets on a real NGINX."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from canaryctl.cli import init
from canaryctl.cli.config_schema import schema
from canaryctl.cli.init_choice import choose
from canaryctl.cli.init_compose import Service, choose_versions, compose_services
from canaryctl.cli.init_find import Found, Nginx
from canaryctl.cli.init_nginx import Configuration, read_dump
from canaryctl.cli.init_published import Published
from canaryctl.cli.init_steps import steps_to_take
from canaryctl.cli.init_tell import warnings
from canaryctl.cli.init_write import canary_yaml
from canaryctl.config import loads
from canaryctl.core.errors import ConfigError
from canaryctl.core.weight import Weight
from canaryctl.drivers.template import Abilities, Address, Routing, render
from canaryctl.ports import Mark
from canaryctl.resources import shipped

COMPOSE = """\
services:
  web:
    image: "registry.example/nginx:1.29"
    ports: ["127.0.0.1:8080:80"]
  shop:
    build: .
    ports: ["127.0.0.1:${SHOP_PORT:-8000}:8000"]
  db: {image: "postgres:16", ports: ["5432:5432"]}
"""
CANARY = """\
services:
  shop-canary:
    build: .
    ports: [{target: 8001, published: "8101", host_ip: 127.0.0.1}]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory without Docker and without NGINX."""
    place = tmp_path / "shop"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CANARYCTL_CONFIG", raising=False)
    return place


def run(*arguments: str) -> Result:
    app = typer.Typer()
    init.register(app)
    return CliRunner().invoke(app, list(arguments))


# --- the verb -----------------------------------------------------------------------------


def test_with_nothing_there_a_file_is_written_that_loads(here: Path) -> None:
    result = run()

    assert result.exit_code == 0
    assert "Docker was not looked at" in result.stdout
    assert "no NGINX was found: fill gateway in" in result.stdout
    config = loads((here / "canary.yaml").read_text())
    assert config.service == "shop"
    assert config.gateway.driver == "docker"
    assert [gate.name for gate in config.gates] == [
        "error rate",
        "p95 latency",
        "schema failures",
        "training loss",
    ]


def test_it_says_what_nginx_needs_and_what_comes_next(here: Path) -> None:
    said = run().stdout

    for name in ("nginx/canaryctl-http.conf", "nginx/canaryctl-location.conf"):
        for line in shipped(name).read_text().splitlines():
            assert f"       {line}".rstrip() in said.splitlines()
    assert "include /etc/nginx/conf.d/canaryctl-*.conf;" in said
    assert "worker_shutdown_timeout 30s;" in said
    commands = [line for line in said.splitlines() if line.startswith("     $ ")]
    assert commands == [
        "     $ canaryctl config check",
        "     $ canaryctl weights set 0",
        "     $ nginx -t && nginx -s reload",
        "     $ canaryctl rollout --version v0.2.0 --dry-run",
    ]
    assert (here / "canary.yaml").exists()


@pytest.mark.parametrize("kind", ["file", "directory", "dangling link"])
def test_nothing_is_overwritten(here: Path, kind: str) -> None:
    path = here / "canary.yaml"
    if kind == "file":
        path.write_text("mine")
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(here / "nowhere")

    result = run()

    assert isinstance(result.exception, ConfigError)
    assert result.exception.exit_code == 2
    assert "--force" in result.exception.next_step
    assert kind != "file" or path.read_text() == "mine"
    assert not (here / "nowhere").exists()


def test_force_overwrites(here: Path) -> None:
    (here / "canary.yaml").write_text("mine")
    assert run("--force").exit_code == 0
    assert "service:" in (here / "canary.yaml").read_text()


def test_another_file_stands_in_the_commands(here: Path) -> None:
    said = run("--output-file", "my canary.yaml").stdout
    assert (here / "my canary.yaml").exists()
    assert "canaryctl --config 'my canary.yaml' config check" in said
    refused = run("--output-file", "no/such/folder/canary.yaml")
    assert isinstance(refused.exception, ConfigError)


def test_json_is_one_object(here: Path) -> None:
    (here / "compose.yaml").write_text(COMPOSE)
    said = json.loads(run("--output", "json").stdout)
    assert said["file"] == "canary.yaml"
    assert said["stable"] == "shop:8000"
    assert said["canary"] is None
    assert sum(len(step["puts"]) for step in said["steps"]) == 5
    assert said["steps"][0]["run"] == ["canaryctl config check"]
    assert all(step["clients"] for step in said["steps"])


def test_compose_files_give_the_services(here: Path) -> None:
    (here / "docker-compose.yml").write_text(COMPOSE)
    (here / "docker-compose.canary.yml").write_text(CANARY)

    said = run().stdout

    config = loads((here / "canary.yaml").read_text())
    assert config.versions.stable.address == ("shop:8000",)
    assert config.versions.canary.address == ("shop-canary:8001",)
    assert (config.gateway.project, config.gateway.service) == ("shop", "web")
    assert config.metrics.targets.stable == ["http://127.0.0.1:8000/metrics"]
    assert config.metrics.targets.canary == ["http://127.0.0.1:8101/metrics"]
    assert "shop-canary:8001 (docker-compose.canary.yml)" in said


def test_a_compose_file_that_is_none_is_said_and_no_more(here: Path) -> None:
    (here / "compose.yaml").write_text("services: {a: [}")
    (here / "x.canary.yml").write_text("services: {shop-canary: {x: !reset null}}")
    said = run().stdout
    assert "compose.yaml was not looked at" in said
    assert "x.canary.yml was not looked at" in said
    assert (here / "canary.yaml").exists()


# --- compose ------------------------------------------------------------------------------


def test_every_way_to_write_a_port(tmp_path: Path) -> None:
    ports = {
        "a": ["8000"],
        "b": [8000],
        "c": ["80:8000"],
        "d": ["127.0.0.1:80:8000/tcp"],
        "e": ["${PORT}:${INSIDE:-8000}"],
        "f": [{"target": 8000, "published": "80"}],
        "g": ["[::1]:80:8000"],
    }
    services = {name: {"image": "x", "ports": given} for name, given in ports.items()}
    services["h"] = {"image": "x", "expose": ["8000"]}
    services["i"] = {"image": "x", "environment": {"PORT": 8000}, "ports": ["9000:9000"]}
    services["j"] = {"image": "x", "environment": ["A=b", "APP_PORT=8000"]}
    services["k"] = {"image": "x", "ports": ["8000-8010:8000-8010", None, "x", "99999"]}
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump({"services": services}))

    found, notes = compose_services(tmp_path, {"PORT": "80"})

    assert notes == ()
    assert {one.name: one.port for one in found} == dict.fromkeys("abcdefghij", 8000) | {"k": None}
    published = {one.name: one.published(8000) for one in found}
    assert published == dict.fromkeys("cdefg", 80) | dict.fromkeys("abhijk")


@pytest.mark.parametrize(
    ("names", "stable", "canary"),
    [
        (["app", "app-canary"], "app", "app-canary"),
        (["worker", "app", "app_canary"], "app", "app_canary"),
        (["app-stable", "app-canary"], "app-stable", "app-canary"),
        (["canary-app", "app"], "app", "canary-app"),
        (["nginx", "redis", "app"], "app", None),
        (["nginx"], None, None),
        ([], None, None),
    ],
)
def test_the_versions_are_told_by_their_names(
    names: list[str], stable: str | None, canary: str | None
) -> None:
    found = choose_versions([Service(name, "compose.yaml") for name in names])
    assert tuple(one.name if one else None for one in found) == (stable, canary)


# --- what is written ----------------------------------------------------------------------

CONTAINER = Nginx(
    driver="docker",
    name="web-1",
    image="nginx:1.29",
    ports=(Published(80, 8080, "0.0.0.0"), Published(9180, 19180, "127.0.0.1")),  # noqa: S104
    configuration=Configuration("/etc/nginx/nginx.conf", "/srv/nginx/conf.d/*.conf"),
    mounts=(("/srv/nginx/conf.d", True),),
)


def test_every_key_is_explained() -> None:
    definitions = schema()["$defs"]
    keys = set(schema()["properties"])
    for name in ("DockerGateway", "LocalGateway", "PlanModel", "PrometheusSource", "ScrapeSource"):
        keys |= set(definitions[name]["properties"])
    for name in ("Ratio", "Latency", "Zero", "Gauge", "Promql"):
        keys |= set(definitions[name]["properties"])
    for found in (Found(), Found(nginx=(CONTAINER,)), Found(prometheus="http://127.0.0.1:1")):
        text = canary_yaml(choose(found, "shop"))
        missing = {key for key in keys if not re.search(rf"\b{key}\b", text)}
        assert missing - {"pid_file"} == set()
    assert "pid_file" in canary_yaml(choose(Found(nginx=(Nginx("local", "/x/nginx"),)), "shop"))


def test_a_container_with_a_control_port_elsewhere() -> None:
    config = loads(canary_yaml(choose(Found(nginx=(CONTAINER,)), "shop")))
    assert config.gateway.container == "web-1"
    assert config.gateway.config == "/srv/nginx/conf.d/canaryctl-upstream.conf"
    assert config.gateway.verify == "http://127.0.0.1:19180"
    assert config.gateway.control == "9180"


def test_a_container_on_the_host_network_listens_on_loopback_only() -> None:
    nginx = Nginx("docker", "web", host_network=True)
    config = loads(canary_yaml(choose(Found(nginx=(nginx,)), "shop")))
    assert config.gateway.control == "127.0.0.1:9180"
    assert not [
        one for one in warnings(choose(Found(nginx=(nginx,)), "shop")) if "publishes" in one
    ]


def test_a_local_nginx_and_a_taken_upstream_name() -> None:
    configuration = Configuration("/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*.conf")
    configuration = Configuration(configuration.main, configuration.include, upstreams=("shop",))
    nginx = Nginx("local", "/usr/sbin/nginx", configuration=configuration)
    config = loads(canary_yaml(choose(Found(nginx=(nginx,)), "shop")))
    assert config.gateway.driver == "local"
    assert config.gateway.upstream == "shop-canaryctl"
    assert config.versions.stable.address == ("127.0.0.1:8000",)
    assert config.versions.canary.address == ("127.0.0.1:8001",)
    published = Service("app", "compose.yaml", ports=((8000, 8123),))
    config = loads(canary_yaml(choose(Found(nginx=(nginx,), services=(published,)), "shop")))
    assert config.versions.stable.address == ("127.0.0.1:8123",)
    assert config.versions.canary.address == ("127.0.0.1:8124",)


def test_what_is_wrong_with_the_chosen_container_is_said() -> None:
    bad = Nginx(
        "docker",
        "web",
        ports=(Published(9180, 9180, "0.0.0.0"),),  # noqa: S104
        mounts=(("/etc/nginx/conf.d", False),),
        problem="permission denied",
    )
    said = "\n".join(warnings(choose(Found(nginx=(bad,)), "shop")))
    assert "could not be read: permission denied" in said
    assert "publish it as 127.0.0.1:9180:9180" in said
    assert "mounted read-only" in said
    said = "\n".join(warnings(choose(Found(nginx=(Nginx("docker", "web"),)), "shop")))
    assert "add 127.0.0.1:9180:9180 to its ports" in said
    assert "on no volume" in said
    assert list(warnings(choose(Found(nginx=(CONTAINER,)), "shop"))) == []


@pytest.mark.parametrize(("written", "verb"), [(False, "weights set 0"), (True, "weights")])
def test_a_prepared_nginx_needs_no_more_than_weights(written: bool, verb: str) -> None:
    prepared = Configuration(
        "/etc/nginx/nginx.conf",
        "/etc/nginx/conf.d/*.conf",
        routed=True,
        logged=True,
        counted=True,
        attempts="/var/log/nginx/canaryctl-attempts.log",
        bounded=True,
        written=written,
    )
    nginx = Nginx("docker", "web", ports=CONTAINER.ports, configuration=prepared)
    steps = steps_to_take(choose(Found(nginx=(nginx,)), "shop"), Path("canary.yaml"))
    assert [one for step in steps for one in step.puts] == []
    assert [one for step in steps for one in step.run] == [
        "canaryctl config check",
        f"canaryctl {verb}",
        "canaryctl rollout --version v0.2.0 --dry-run",
    ]


def test_an_nginx_prepared_before_attempts_were_counted_is_given_those_lines() -> None:
    prepared = Configuration(
        "/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*.conf", routed=True, logged=True, written=True
    )
    nginx = Nginx("docker", "web", ports=CONTAINER.ports, configuration=prepared)
    steps = steps_to_take(choose(Found(nginx=(nginx,)), "shop"), Path("canary.yaml"))
    puts = [put.lines for step in steps for put in step.puts]
    format_, log = puts[1:]
    assert format_.splitlines() == [
        'map "" $canaryctl_attempts { default ""; }',
        'map "" $canaryctl_counted { default ""; }',
        "log_format canaryctl_attempts '$canaryctl_counted $canaryctl_attempts $upstream_status';",
    ]
    path = "/var/log/nginx/canaryctl-attempts.log"
    assert log == f"access_log {path} canaryctl_attempts if=$canaryctl_counted;\n"
    assert [one for step in steps for one in step.run] == [
        "canaryctl config check",
        "docker exec web nginx -t && docker exec web nginx -s reload",
        "canaryctl weights",
        "canaryctl rollout --version v0.2.0 --dry-run",
    ]


@pytest.mark.parametrize(
    ("logged", "written"),
    [
        ("/srv/log/a.log", "/srv/log/a.log"),
        ("", "/var/log/nginx/canaryctl-attempts.log"),
        ("logs/a.log", "/var/log/nginx/canaryctl-attempts.log"),
        ('"/srv/a b"', "/var/log/nginx/canaryctl-attempts.log"),
    ],
)
def test_the_log_of_attempts_is_the_one_that_nginx_writes(logged: str, written: str) -> None:
    other = "access_log /other.log main;"
    line = f"{other} access_log {logged} canaryctl_attempts if=$canaryctl_counted;"
    configuration = read_dump(MAIN.format(line if logged else other))
    assert (configuration.attempts, configuration.counted) == (logged.strip('"'), False)
    nginx = Nginx("docker", "web", configuration=configuration)
    config = loads(canary_yaml(choose(Found(nginx=(nginx,)), "shop")))
    assert config.gateway.attempts == written


HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
    st.sampled_from(
        [
            "a\nliveness: 0",
            "x # y",
            "a: b",
            '"',
            "'",
            "${HOME}",
            "$$",
            "{{ x }}",
            "- a",
            "\u2028",
            "%",
        ]
    ),
)


@settings(max_examples=150, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, st.booleans(), st.booleans())
def test_nothing_found_changes_the_shape_of_the_file(
    name: str, image: str, project: str, file: str, in_project: bool, in_service: bool
) -> None:
    composed = in_project and in_service
    nginx = Nginx(
        "docker",
        name,
        image,
        project=project if in_project else "",
        service=name if in_service else "",
    )
    services = (Service("app", file, port_) for port_ in ("",))
    found = Found(nginx=(nginx,), services=tuple(services))

    config = loads(canary_yaml(choose(found, name)), "written", {"HOME": "/x"})

    if composed:
        assert (config.gateway.project, config.gateway.service) == (project, name)
    else:
        assert config.gateway.container == name
        assert (config.gateway.project, config.gateway.service) == (None, None)
    assert config.liveness == 3
    assert config.service == "app"


@pytest.mark.parametrize("directory", ["shop", "...", "_", "Über Shop", "", "0"])
def test_a_declared_nginx_is_named_by_project_and_service(directory: str) -> None:
    found = Found(services=(Service("nginx", "compose.yaml"),))
    config = loads(canary_yaml(choose(found, directory)))
    assert config.gateway.service == "nginx"
    assert config.gateway.project
    assert config.gateway.container is None


# --- which name the upstream gets ---------------------------------------------------------

MAIN = "# configuration file /etc/nginx/nginx.conf:\nhttp {{ server {{ location / {{ {} }} }} }}\n"


@pytest.mark.parametrize(
    ("directive", "upstream"),
    [
        ("proxy_pass http://app:8000;", "app-canaryctl"),
        ("proxy_pass http://APP;", "app-canaryctl"),
        ('proxy_pass "https://app:8000/api/";', "app-canaryctl"),
        ("grpc_pass grpc://app:50051;", "app-canaryctl"),
        ("fastcgi_pass app:9000;", "app-canaryctl"),
        ('set $backend "http://app"; proxy_pass $backend;', "app-canaryctl"),
        ("proxy_pass http://app:1; proxy_pass http://app-canaryctl:1;", "app-canaryctl-2"),
        ("proxy_pass http://$canaryctl_upstream;", None),
        ("proxy_pass http://application:8000;", None),
        ("proxy_pass http://127.0.0.1:8000/app;", None),
        ("# proxy_pass http://app:8000;\n", None),
        ("proxy_pass http://unix:/run/app:;", None),
    ],
)
def test_no_upstream_is_named_as_the_host_of_a_pass(directive: str, upstream: str | None) -> None:
    configuration = read_dump(MAIN.format(directive))
    assert configuration.main == "/etc/nginx/nginx.conf"
    nginx = Nginx("docker", "web", configuration=configuration)
    found = Found(nginx=(nginx,), services=(Service("app", "compose.yaml"),))
    assert loads(canary_yaml(choose(found, "shop"))).gateway.upstream == upstream


def test_canaryctls_own_file_takes_no_name() -> None:
    own = "/etc/nginx/conf.d/canaryctl-upstream.conf"
    text = MAIN.format("") + f"# configuration file {own}:\nupstream app {{ server app:8000; }}\n"
    found = read_dump(text)
    assert (found.upstreams, found.hosts, found.servers) == ((), (), ("/etc/nginx/nginx.conf",))
    assert found.written


def test_an_unread_configuration_may_pass_to_the_service_by_its_name() -> None:
    found = Found(services=(Service("nginx", "compose.yaml"), Service("app", "compose.yaml")))
    assert choose(found, "shop").upstream == "app-canaryctl"
    assert choose(Found(), "shop").upstream == ""


# --- NGINX's own words --------------------------------------------------------------------


def test_includes_are_found_in_http_only() -> None:
    text = """nginx: the configuration file /etc/nginx/nginx.conf syntax is ok
# configuration file /etc/nginx/nginx.conf:
include /etc/nginx/main.d/*.conf;
events { }
http {
    # include commented.d/*.conf;
    log_format x '{"include": "no.d/*.conf;"}';
    include mime.types;
    include "sites-enabled/*";
    server { include server.d/*.conf; }
    include conf.d/*.conf;
}
# configuration file /etc/nginx/conf.d/default.conf:
upstream shop { server app:8000; }
http { include other.d/*.conf; }
"""
    found = read_dump(text)
    assert found.main == "/etc/nginx/nginx.conf"
    assert found.include == "/etc/nginx/conf.d/*.conf"
    assert found.place == "/etc/nginx/conf.d/canaryctl-upstream.conf"
    assert found.upstreams == ("shop",)
    assert (found.routed, found.logged, found.bounded) == (False, False, False)


@pytest.mark.parametrize("text", ["", "nginx: [emerg] open() failed", "}{};;{ include x", "\x00"])
def test_no_dump_is_no_configuration(text: str) -> None:
    assert read_dump(text) == Configuration()
    assert read_dump(f"# configuration file /n.conf:\n{text}").include == ""


def test_the_snippets_say_what_the_complete_example_says() -> None:
    whole = shipped("nginx/nginx.canary.conf").read_text()
    for name in ("nginx/canaryctl-http.conf", "nginx/canaryctl-location.conf"):
        snippet = shipped(name).read_text()
        lines = [line.strip() for line in snippet.splitlines() if line.strip()]
        directives = [line for line in lines if not line.startswith("#")]
        stripped = [line.strip() for line in whole.splitlines()]
        assert [line for line in directives if line not in stripped] == []
    location = whole.partition("location / {")[2].partition("\n        }\n")[0]
    snippet = shipped("nginx/canaryctl-location.conf").read_text()
    lines = [line.strip() for line in location.splitlines() if line.strip()]
    assert [line for line in lines if line not in snippet] == []
    maps = re.findall(r"^ *map .*$|^ *log_format canary.*$", whole, re.MULTILINE)
    http = shipped("nginx/canaryctl-http.conf").read_text()
    assert len(maps) == 8
    assert [line for line in maps if line.strip() not in http] == []


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
    include conf.d/*.conf;
    server {{
        listen 127.0.0.1:{port};
        location / {{ include {place}/canaryctl-location.conf; }}
    }}
    server {{ listen 127.0.0.1:{stable}; return 200 "stable"; }}
    server {{ listen 127.0.0.1:{canary}; return 200 "canary"; }}
}}
"""


@contextmanager
def running(command: list[str], url: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                httpx.get(url, timeout=2)
                break
            except httpx.TransportError:
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.fixture(params=["current", "the distribution's"])
def nginx(request: pytest.FixtureRequest, nginx_binary: Path) -> Path:
    if request.param == "current":
        return nginx_binary
    installed = shutil.which("nginx")
    if installed is None:
        pytest.skip("no nginx is installed (package nginx-light)")
    return Path(installed)


def test_the_snippets_on_an_existing_nginx(
    tmp_path: Path, nginx: Path, free_port: Callable[[], int]
) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "conf.d").mkdir()
    port, stable, canary, control = (free_port() for _ in range(4))
    main = tmp_path / "nginx.conf"
    main.write_text(EXISTING.format(place=tmp_path, port=port, stable=stable, canary=canary))
    location = shipped("nginx/canaryctl-location.conf").read_text()
    location = location.replace("/var/log/nginx", str(tmp_path))
    (tmp_path / "canaryctl-location.conf").write_text(location)
    shutil.copy(shipped("nginx/canaryctl-http.conf"), tmp_path / "conf.d")
    base = [str(nginx), "-p", f"{tmp_path}/", "-c", str(main)]
    dump = subprocess.run([*base, "-T"], capture_output=True, text=True, check=True, timeout=10)
    found = read_dump(dump.stdout)
    assert found.main == str(main)
    assert found.place == f"{tmp_path}/conf.d/canaryctl-upstream.conf"
    assert (found.routed, found.logged, found.bounded) == (True, True, False)
    assert found.counted
    assert found.attempts == f"{tmp_path}/canaryctl-attempts.log"
    url = f"http://127.0.0.1:{port}/"

    with running(base, url):
        assert httpx.get(url).status_code == 503
        assert "canaryctl weights set 0" in httpx.get(url).text

    routing = Routing(
        "shop",
        (Address(f"127.0.0.1:{stable}"),),
        (Address(f"127.0.0.1:{canary}"),),
        f"127.0.0.1:{control}",
    )
    template = shipped("nginx/upstream.conf.j2").read_text()
    text = render(template, routing, Weight.parse(50), "1-a", Mark(), Abilities())
    Path(found.place).write_text(text)
    with running(base, url):
        answers = [httpx.get(url) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    seen = [(answer.text, answer.headers["X-Canary-Version"]) for answer in answers]
    assert set(seen) == {("stable", "stable"), ("canary", "canary")}
    logged = [json.loads(line) for line in (tmp_path / "canary.log").read_text().splitlines()]
    assert [one["version"] for one in logged] == ["canary"] * sum(s[0] == "canary" for s in seen)
    assert {one["upstream_status"] for one in logged} == {"200"}
    counted = (tmp_path / "canaryctl-attempts.log").read_text().splitlines()
    assert counted.count("1 c 200") == len(logged)
    assert set(counted) <= {"1 c 200", "10 s 200"}


# --- a real engine ------------------------------------------------------------------------

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
DIRECTORY = "com.docker.compose.project.working_dir"


NGINX = ["nginx", "-p", "/etc/nginx/", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;"]


@pytest.mark.docker
def test_a_running_container_is_found_with_all_that_matters(
    base_image: str,
    docker_url: str,
    run_container: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = {PROJECT: "shop", SERVICE: "web", DIRECTORY: str(tmp_path)}
    container = run_container(
        base_image,
        NGINX,
        ports={"80/tcp": ("127.0.0.1", None), "9180/tcp": ("127.0.0.1", None)},
        labels=labels,
    )
    published = container.attrs["NetworkSettings"]["Ports"]["9180/tcp"][0]["HostPort"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", docker_url)

    found, choice = _chosen_of(container.name, tmp_path)
    config = loads(canary_yaml(choice))

    assert found.problem == ""
    assert found.configuration.main == "/etc/nginx/nginx.conf"
    assert found.configuration.include == "/etc/nginx/conf.d/*.conf"
    assert (config.gateway.project, config.gateway.service) == ("shop", "web")
    assert config.gateway.config == "/etc/nginx/conf.d/canaryctl-upstream.conf"
    assert config.gateway.verify == f"http://127.0.0.1:{published}"
    assert config.gateway.control == "9180"
    assert "on no volume" in "\n".join(warnings(choice))
    result = run()
    assert result.exit_code == 0, result.output
    assert f"container {container.name} ({base_image}; 127.0.0.1:" in result.stdout
    loads((tmp_path / "canary.yaml").read_text())


@pytest.mark.docker
def test_a_container_without_nginx_is_not_taken_for_one(
    base_image: str,
    docker_url: str,
    run_container: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    container = run_container(base_image, ["sleep", "300"])
    monkeypatch.setenv("DOCKER_HOST", docker_url)
    from canaryctl.cli.init_find import look_around  # noqa: PLC0415  as the verb does

    assert container.name not in [one.name for one in look_around(tmp_path, {}).nginx]


def _chosen_of(name: str, directory: Path) -> tuple[Nginx, Any]:
    """Choose among this test's container only: others' may run on the same engine."""
    from canaryctl.cli.init_find import look_around  # noqa: PLC0415  as the verb does

    (nginx,) = [one for one in look_around(directory, {}).nginx if one.name == name]
    return nginx, choose(Found(nginx=(nginx,)), "shop")
