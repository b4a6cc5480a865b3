"""What only an NGINX in a container has: how it is found, how it was started, what it sees."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_host import DockerHost
from canaryctl.ports import Reload, Remove, Run, Step, Swap, Write
from tests.drivers.real_nginx import answers_with, server
from tests.small_image import tar, with_libraries

pytestmark = pytest.mark.docker

MAIN = "/etc/nginx/nginx.conf"
NGINX = ["nginx", "-p", "/etc/nginx", "-c", MAIN, "-g", "daemon off;"]
OTHER = "/etc/nginx/other.conf"
STAGED, LIVE = "/etc/nginx/conf.d/a.staged", "/etc/nginx/conf.d/a.conf"
IDLE = ["sleep", "600"]

MakeHost = Callable[..., DockerHost]


@pytest.fixture
def host_for(docker_url: str) -> Iterator[MakeHost]:
    """Make hosts on the engine for tests, and close them."""
    made: list[DockerHost] = []

    def make(container: str | None = None, **options: Any) -> DockerHost:
        made.append(DockerHost(container, docker_host=docker_url, **options))
        return made[-1]

    yield make
    for host in made:
        host.close()


@pytest.fixture(scope="module")
def gateway(base_image: str, run_container: Any, docker_network: Any) -> Any:
    """An NGINX, published on loopback, on a network where names are known."""
    return run_container(
        base_image, NGINX, ports={"8000/tcp": ("127.0.0.1", None)}, network=docker_network.name
    )


@pytest.fixture(scope="module")
def idle(base_image: str, run_container: Any) -> Any:
    """A container in which tests may break things; NGINX does not run."""
    return run_container(base_image, IDLE)


def test_a_reload_makes_nginx_answer_the_new_configuration(
    gateway: Any, host_for: MakeHost
) -> None:
    port = gateway.ports["8000/tcp"][0]["HostPort"]
    host = host_for(gateway.name)
    for says in ("first", "second"):
        steps: list[Step] = [
            Write(STAGED, server(8000, says)),
            Run(("-t",)),
            Swap(STAGED, LIVE),
            Reload(),
        ]
        performed = host.perform(steps)
        assert performed.completed == 4
        assert "test is successful" in performed.output
        assert answers_with(f"http://127.0.0.1:{port}/", says)


def test_what_nginx_says_against_a_configuration_is_passed_on(
    gateway: Any, host_for: MakeHost
) -> None:
    path = "/etc/nginx/conf.d/bad.conf"
    host = host_for(gateway.name)
    performed = host.perform([Write(path, "nonsense on;\n"), Run(("-t",)), Reload()])
    host.perform([Remove(path)])
    assert performed.completed == 1
    assert f'unknown directive "nonsense" in {path}:1' in performed.output


def test_it_is_found_by_name_by_id_and_by_the_start_of_its_id(
    gateway: Any, host_for: MakeHost
) -> None:
    known = {host_for(name).identity() for name in (gateway.name, gateway.id, gateway.id[:12])}
    assert len(known) == 1
    assert known.pop().endswith(f":{gateway.name}")


def test_it_is_found_by_compose_project_and_service(
    base_image: str, run_container: Any, host_for: MakeHost
) -> None:
    project = uuid.uuid4().hex
    labels = {"com.docker.compose.project": project, "com.docker.compose.service": "nginx"}
    host = host_for(project=project, service="nginx")
    with pytest.raises(HostError, match="no running container of service 'nginx'"):
        host.read(MAIN)
    first = run_container(base_image, IDLE, labels={**labels, "com.docker.compose.oneoff": "False"})
    run_container(base_image, IDLE, labels={**labels, "com.docker.compose.oneoff": "True"})
    assert host.identity().endswith(f":{first.name}")
    assert "conf.d" in (host.read(MAIN) or "")
    second = run_container(base_image, IDLE, labels=labels)
    with pytest.raises(HostError, match="has 2 running containers") as caught:
        host.read(MAIN)
    assert first.name in str(caught.value)
    assert second.name in str(caught.value)


def test_an_unknown_container_is_named_beside_those_that_run(
    gateway: Any, host_for: MakeHost
) -> None:
    with pytest.raises(HostError, match="there is no container 'nginx-typo'") as caught:
        host_for("nginx-typo").perform([Remove(LIVE)])
    assert gateway.name in caught.value.next_step


def test_a_stopped_container_is_not_running(
    base_image: str, run_container: Any, host_for: MakeHost
) -> None:
    container = run_container(base_image, IDLE)
    container.kill()
    container.wait(timeout=10)
    with pytest.raises(HostError, match=f"'{container.name}' is not running but exited") as caught:
        host_for(container.name).read(MAIN)
    assert f"docker start {container.name}" in caught.value.next_step


def test_a_recreated_container_is_found_again_by_name(
    base_image: str, run_container: Any, host_for: MakeHost
) -> None:
    first = run_container(base_image, IDLE)
    host = host_for(first.name)
    before = host.identity()
    host.perform([Write(LIVE, "x")])
    first.remove(force=True)
    run_container(base_image, IDLE, name=first.name)
    assert host.read(LIVE) is None
    assert host.identity() == before


def test_nginx_is_called_as_the_container_was_started(
    base_image: str, run_container: Any, host_for: MakeHost
) -> None:
    command = [
        "sh",
        "-c",
        "while :; do sleep 1; done",
        "nginx",
        f"-c{OTHER}",
        "-g",
        "daemon off;",
    ]
    host = host_for(run_container(base_image, command).name)
    host.perform([Write(OTHER, "events {}\n")])
    performed = host.perform([Run(("-t",))])
    assert performed.completed == 1, performed.output
    assert OTHER in performed.output
    host.perform([Write(OTHER, "events {}\ndaemon on;\n")])
    performed = host.perform([Run(("-t",))])  # as the master would: -g counts too
    assert performed.completed == 0
    assert '"daemon" directive is duplicate' in performed.output


def test_what_is_configured_goes_before_what_is_detected(gateway: Any, host_for: MakeHost) -> None:
    host = host_for(
        gateway.name,
        binary="/usr/sbin/nginx",
        main=OTHER,
        prefix="/etc",
    )
    host.perform([Write(OTHER, "events {}\n")])
    performed = host.perform([Run(("-t",))])
    assert performed.completed == 1
    assert OTHER in performed.output


@pytest.mark.parametrize(
    ("gone", "steps"),
    [
        ("mv", [Write(STAGED, "x"), Swap(STAGED, LIVE)]),
        ("rm", [Write(STAGED, "x"), Remove(STAGED)]),
        ("sh", [Write(STAGED, "x")]),
    ],
)
def test_what_the_image_lacks_is_named(
    base_image: str, run_container: Any, host_for: MakeHost, gone: str, steps: list[Step]
) -> None:
    container = run_container(base_image, IDLE)
    # busybox' own shell finds mv and rm in itself, so another one takes its place.
    assert container.put_archive("/", tar(with_libraries("sh", "bin/sh")).getvalue())
    assert container.exec_run(["/bin/busybox", "rm", f"/bin/{gone}"]).exit_code == 0
    host = host_for(container.name)
    with pytest.raises(HostError, match=f"'{container.name}' has no '{gone}'") as caught:
        host.perform(steps)
    assert "sh, mv and rm" in caught.value.next_step
    assert host.read(STAGED) is None  # found out before anything was done


def test_a_binary_that_is_not_there_fails_its_step(idle: Any, host_for: MakeHost) -> None:
    performed = host_for(idle.name, binary="/no/nginx").perform([Run(("-t",))])
    assert performed.completed == 0
    assert "/no/nginx" in performed.output


def test_a_command_that_hangs_is_given_up(idle: Any, host_for: MakeHost) -> None:
    host = host_for(idle.name, binary="sleep", timeout=1)
    with pytest.raises(HostError, match=f"container '{idle.name}'.*no answer in time"):
        host.perform([Run(("60",))])


def test_a_command_that_never_stops_printing_is_given_up(idle: Any, host_for: MakeHost) -> None:
    with pytest.raises(HostError, match="does not stop printing"):
        host_for(idle.name, binary="cat").perform([Run(("/dev/zero",))])


def test_swapping_over_a_folder_fails(idle: Any, host_for: MakeHost) -> None:
    performed = host_for(idle.name).perform([Write(STAGED, "x"), Swap(STAGED, "/etc/nginx")])
    assert performed.completed == 1
    assert "/etc/nginx: is a directory" in performed.output


def test_a_file_that_is_a_mount_of_its_own_is_explained(
    base_image: str, run_container: Any, host_for: MakeHost, tmp_path: Any
) -> None:
    (tmp_path / "a.conf").write_text("# old\n")
    volumes = {str(tmp_path / "a.conf"): {"bind": LIVE, "mode": "rw"}}
    host = host_for(run_container(base_image, IDLE, volumes=volumes).name)
    performed = host.perform([Write(STAGED, "x"), Swap(STAGED, LIVE)])
    assert performed.completed == 1
    assert f"{LIVE} is a mount of its own: mount its directory" in performed.output
    assert host.read(LIVE) == "# old\n"


def test_files_behind_links_and_in_memory_are_read(
    base_image: str, run_container: Any, host_for: MakeHost
) -> None:
    container = run_container(base_image, IDLE, tmpfs={"/etc/nginx/conf.d": ""})
    host = host_for(container.name)
    assert host.read(LIVE) is None
    assert host.perform([Write(LIVE, "# in memory\n")]).completed == 1
    assert host.read(LIVE) == "# in memory\n"
    assert container.exec_run(["ln", "-s", "nginx.conf", "/etc/nginx/link"]).exit_code == 0
    assert host.read("/etc/nginx/link") == host.read(MAIN) is not None


def test_what_is_not_a_text_file_is_a_host_error(idle: Any, host_for: MakeHost) -> None:
    host = host_for(idle.name)
    with pytest.raises(HostError, match="is not UTF-8 text"):
        host.read("/bin/busybox")
    with pytest.raises(HostError, match="cannot read /etc/nginx"):
        host.read("/etc/nginx")


def test_what_no_command_line_can_carry_is_refused_before_anything_is_done(
    idle: Any, host_for: MakeHost
) -> None:
    host = host_for(idle.name)
    for content, says in (("a\0b", "NUL"), ("x" * 1_100_000, "too long")):
        with pytest.raises(HostError, match=says):
            host.perform([Write("/etc/first", "x"), Write("/etc/second", content)])
    assert host.read("/etc/first") is None


def test_a_container_is_required() -> None:
    with pytest.raises(ValueError, match="by Compose project and service"):
        DockerHost(project="shop")
