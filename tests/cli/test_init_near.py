"""``canaryctl init`` on an engine with several projects: whose NGINX, whose Prometheus."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from canaryctl.cli import init
from canaryctl.cli.init_choice import choose
from canaryctl.cli.init_compose import Service
from canaryctl.cli.init_find import Found, Nginx, look_around
from canaryctl.cli.init_near import Here, Nearness
from canaryctl.cli.init_published import prometheus_url
from canaryctl.cli.init_tell import warnings
from canaryctl.config import loads
from tests.small_image import tar

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
DIRECTORY = "com.docker.compose.project.working_dir"
FILES = "com.docker.compose.project.config_files"
NGINX = ["nginx", "-p", "/etc/nginx/", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;"]
# An NGINX that routes by canaryctl and has all its file needs: as prepared as can be.
PREPARED = """\
map "" $canaryctl_upstream { default ""; }
log_format canary escape=json '{}';
server { listen 80; location / { proxy_pass http://$canaryctl_upstream; } }
"""


# --- by labels ----------------------------------------------------------------------------


def test_a_containers_labels_tell_where_it_belongs(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (tmp_path / "link").symlink_to(shop)
    other = str(tmp_path / "other")
    listed: list[dict[str, Any]] = [
        {"Labels": {PROJECT: "twin", SERVICE: "app"}},
        {"Labels": {PROJECT: "twin", SERVICE: "web"}},
        {"Labels": {PROJECT: "far", SERVICE: "web"}},
        {"Labels": None},
        {},
    ]
    here = Here.of(shop, [Service("nginx", "c", "nginx"), Service("app", "c")], listed)

    for labels, nearness in (
        ({PROJECT: "x", DIRECTORY: str(shop)}, Nearness.OWN),
        ({PROJECT: "x", DIRECTORY: f"{tmp_path}/link"}, Nearness.OWN),
        ({PROJECT: "x", DIRECTORY: other, FILES: f"{other}/a.yml,{shop}/b.yml"}, Nearness.OWN),
        ({PROJECT: "x", DIRECTORY: str(tmp_path), FILES: "shop/compose.yaml"}, Nearness.OWN),
        ({PROJECT: "twin", DIRECTORY: other}, Nearness.SAME_SERVICE),
        ({PROJECT: "twin"}, Nearness.SAME_SERVICE),
        ({PROJECT: "far", DIRECTORY: other}, Nearness.FOREIGN),
        ({PROJECT: "far", DIRECTORY: str(tmp_path)}, Nearness.FOREIGN),
        ({PROJECT: "far", DIRECTORY: f"{shop}/deploy"}, Nearness.FOREIGN),
        ({PROJECT: "far"}, Nearness.UNKNOWN),
        ({}, Nearness.UNKNOWN),
    ):
        assert here.nearness(labels) is nearness, labels


def test_an_empty_label_is_not_the_directory_one_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = Here.of(tmp_path, [], [])
    for labels in ({DIRECTORY: ""}, {DIRECTORY: "."}, {FILES: "compose.yaml"}):
        assert here.nearness({PROJECT: "x", **labels}) is not Nearness.OWN, labels


# --- the choice ---------------------------------------------------------------------------

DECLARED = Service("web", "compose.yaml", "nginx:1.29", container="shop-web")


def nginx(nearness: Nearness, **more: Any) -> Nginx:
    directory = "" if nearness is Nearness.UNKNOWN else "/srv/other"
    return Nginx("docker", "other-1", nearness=nearness, directory=directory, **more)


@pytest.mark.parametrize(
    ("found", "taken"),
    [
        (nginx(Nearness.OWN, project="shop", service="web"), True),
        (nginx(Nearness.OWN, project="shop", service="edge"), True),
        (nginx(Nearness.SAME_SERVICE, project="twin", service="web"), False),
        (nginx(Nearness.FOREIGN, project="far", service="web"), False),
        (nginx(Nearness.UNKNOWN), False),
        (nginx(Nearness.UNKNOWN, project="shop", service="web"), True),
        (Nginx("docker", "shop-web"), True),
        (Nginx("local", "/usr/sbin/nginx"), False),
    ],
)
def test_a_declared_nginx_goes_before_another_ones(found: Nginx, taken: bool) -> None:
    choice = choose(Found(nginx=(found,), services=(DECLARED,)), "shop")
    assert choice.nginx == (found if taken else None)
    assert choice.in_compose == (None if taken else DECLARED)


def test_another_projects_nginx_is_taken_with_a_warning_only() -> None:
    for nearness in (Nearness.SAME_SERVICE, Nearness.FOREIGN):
        choice = choose(Found(nginx=(nginx(nearness, project="far", service="web"),)), "shop")
        assert choice.nginx is not None
        assert "another Compose project, far in /srv/other" in "\n".join(warnings(choice))
    for nearness in (Nearness.OWN, Nearness.UNKNOWN):
        choice = choose(Found(nginx=(nginx(nearness),)), "shop")
        assert "another Compose project" not in "\n".join(warnings(choice))


def test_a_prometheus_of_its_own_goes_before_another_ones() -> None:
    def container(name: str, port: str, project: str = "") -> dict[str, Any]:
        ports = {"9090/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}
        labels = {PROJECT: project} if project else None
        config = {"Image": "prom/prometheus:v3", "Labels": labels}
        return {"Name": f"/{name}", "Config": config, "NetworkSettings": {"Ports": ports}}

    own = (Nearness.OWN, container("own", "1", "shop"))
    far = (Nearness.FOREIGN, container("far", "2", "far"))
    plain = (Nearness.UNKNOWN, container("plain", "3"))
    declared = Service("metrics", "compose.yaml", "prom/prometheus", ((9090, 4),))

    assert prometheus_url([declared], [far, own]) == ("http://127.0.0.1:1", "")
    assert prometheus_url([declared], [far]) == ("http://127.0.0.1:4", "")
    url, doubt = prometheus_url([], [far])
    assert (url, "container far of another Compose project, far" in doubt) == (
        "http://127.0.0.1:2",
        True,
    )
    assert prometheus_url([], [far, plain])[0] == "http://127.0.0.1:3"
    assert prometheus_url([], []) == ("", "")


# --- a real engine ------------------------------------------------------------------------


@pytest.mark.docker
def test_the_projects_own_container_goes_before_a_better_prepared_one(
    base_image: str,
    docker_url: str,
    run_container: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = uuid.uuid4().hex[:8]
    shop, other = tmp_path / "shop", tmp_path / "other"
    shop.mkdir()
    (shop / "compose.yaml").write_text("services: {web: {image: nginx}, app: {image: x}}")
    monkeypatch.chdir(shop)
    monkeypatch.setenv("DOCKER_HOST", docker_url)
    monkeypatch.delenv("CANARYCTL_CONFIG", raising=False)
    theirs = {PROJECT: f"other-{token}", SERVICE: "web", DIRECTORY: str(other)}
    gateway = run_container(base_image, NGINX, labels=theirs)
    gateway.put_archive("/etc/nginx/conf.d", tar({"a.conf": PREPARED.encode()}).getvalue())
    app = {PROJECT: f"other-{token}", SERVICE: "app", DIRECTORY: str(other)}
    run_container(base_image, ["sleep", "300"], labels=app)

    def ours() -> dict[str, Nginx]:
        seen = look_around(shop, {}).nginx
        return {one.name: one for one in seen if str(tmp_path) in one.directory}

    found = ours()[gateway.name]
    assert found.nearness is Nearness.SAME_SERVICE
    assert found.configuration.routed, found.problem
    # As well prepared as can be, of a project with the very names: it is another directory's.
    assert init_in(shop)["gateway"] is None
    assert loads((shop / "canary.yaml").read_text()).gateway.project == "shop"

    mine = {PROJECT: f"shop-{token}", SERVICE: "web", DIRECTORY: str(shop)}
    own = run_container(base_image, NGINX, labels=mine)

    assert list(ours()) == [own.name, gateway.name]
    assert not ours()[own.name].configuration.routed
    assert init_in(shop)["gateway"] == own.name
    assert loads((shop / "canary.yaml").read_text()).gateway.project == f"shop-{token}"


def init_in(directory: Path) -> dict[str, Any]:
    app = typer.Typer()
    init.register(app)
    ended = CliRunner().invoke(app, ["--force", "--output", "json"])
    assert ended.exit_code == 0, ended.output
    assert (directory / "canary.yaml").exists()
    said: dict[str, Any] = json.loads(ended.stdout)
    return said
