"""Setting, proving, checking and looking, at an NGINX here and at one in a container."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from canaryctl.core.errors import (
    ConfigError,
    ConfigurationRefused,
    GatewayUnreachable,
    HostError,
    Superseded,
    TrafficUnknown,
    WeightRefused,
)
from canaryctl.core.weight import Weight
from canaryctl.drivers.nginx_control import Control
from canaryctl.drivers.template import Address, intact, parse_header
from canaryctl.ports import Mark, Performed, Reload, Remove, Run, Step, Swap, Write
from tests.drivers.gateways import (
    MAIN,
    OLD_NGINX,
    PACKAGED,
    PUBLISHED,
    Backends,
    Gateway,
    asked,
    backends,
    docker_gateway,
    local_gateway,
    nginx_command,
    percent,
    says,
)
from tests.e2e.harness import eventually

QUICK = 1.0  # seconds for a proof that is not going to come


@pytest.fixture(scope="module")
def behind(
    tmp_path_factory: pytest.TempPathFactory, nginx_binary: Path, free_port: Callable[[], int]
) -> Iterator[Backends]:
    with backends(tmp_path_factory.mktemp("backends"), str(nginx_binary), free_port) as running:
        yield running


def _local(
    binary: str, folder: Path, free_port: Callable[[], int], behind: Backends
) -> Iterator[Gateway]:
    addresses = [behind.address(name) for name in ("stable-1", "canary-1")]
    gateway = local_gateway(folder, binary, free_port, addresses[:1], addresses[1:])
    assert gateway.site is not None
    yield gateway
    gateway.site.stop()


@pytest.fixture
def current(
    tmp_path: Path, nginx_binary: Path, free_port: Callable[[], int], behind: Backends
) -> Iterator[Gateway]:
    yield from _local(str(nginx_binary), tmp_path, free_port, behind)


@pytest.fixture
def old(tmp_path: Path, free_port: Callable[[], int], behind: Backends) -> Iterator[Gateway]:
    yield from _local(OLD_NGINX, tmp_path, free_port, behind)


@pytest.fixture(scope="module")
def containers(base_image: str, run_container: Any, docker_network: Any) -> tuple[Any, Any, Any]:
    network = docker_network.name
    return (
        run_container(base_image, nginx_command(MAIN), ports=PUBLISHED, network=network),
        run_container(base_image, says("stable-1", 8000), network=network),
        run_container(base_image, says("canary-1", 8001), network=network),
    )


@pytest.fixture
def docked(containers: tuple[Any, Any, Any], docker_url: str, tmp_path: Path) -> Iterator[Gateway]:
    nginx, stable, canary = containers
    gateway = docker_gateway(
        nginx,
        docker_url,
        tmp_path,
        [Address(f"{stable.name}:8000")],
        [Address(f"{canary.name}:8001")],
    )
    yield gateway
    gateway.made["host"].close()


@pytest.fixture(params=["current", "old", pytest.param("docked", marks=pytest.mark.docker)])
def gateway(request: pytest.FixtureRequest) -> Gateway:
    found: Gateway = request.getfixturevalue(request.param)
    return found


def _hidden(gateway: Gateway) -> list[str]:
    """Give what is left over beside the live file and the main one."""
    if gateway.site is None:
        said = gateway.container.exec_run(["ls", "-a", "/etc/nginx", "/etc/nginx/conf.d"]).output
        return [name for name in said.decode().split() if ".canaryctl" in name]
    return [str(path) for path in gateway.site.folder.rglob(".canaryctl*")]


def test_a_weight_is_set_proven_and_seen(gateway: Gateway) -> None:
    mark = Mark("v0.2.0", "r1", "anna@there:1", 'reason; with "quotes"\nand $more {')
    proof = gateway.router.set(percent("25"), mark, None)
    assert proof.weight == percent("25")
    assert proof.answers >= 16
    assert 0 < proof.took < 5
    assert gateway.router.generation() == proof.generation
    seen = gateway.fresh().look()
    assert (seen.generation, seen.weight, seen.mark) == (proof.generation, percent("25"), mark)
    assert (seen.on_disk, seen.problem) == (proof.generation, "")
    heard = asked(gateway.port, 100)
    assert heard.bodies == {"stable-1": 75, "canary-1": 25}
    assert heard.versions == {"stable": 75, "canary": 25}
    assert _hidden(gateway) == []


def test_every_weight_from_none_to_all(gateway: Gateway) -> None:
    for text, canary in (("0", 0), ("0.01", 0), ("50", 20), ("100", 40), ("0", 0)):
        proof = gateway.router.set(percent(text), Mark(), None)
        assert gateway.router.look().weight == percent(text)
        assert asked(gateway.port, 40).bodies["canary-1"] == canary
        again = gateway.router.set(percent(text), Mark(), proof.generation)
        assert again.generation != proof.generation


def test_checking_changes_nothing(gateway: Gateway) -> None:
    proof = gateway.router.set(percent("5"), Mark(), None)
    host = gateway.made["host"]
    before = host.read(gateway.live)
    files = gateway.site.files() if gateway.site else {}
    notes = gateway.fresh().check([Weight.ZERO, percent("0.01"), percent("50"), Weight.FULL])
    assert notes[0].startswith("NGINX 1.")
    assert host.read(gateway.live) == before
    assert gateway.router.generation() == proof.generation
    assert _hidden(gateway) == []
    if gateway.site:
        assert gateway.site.files() == files


def test_a_fresh_gateway_is_checked_too(current: Gateway) -> None:
    assert current.site is not None
    current.router.check([Weight.ZERO, percent("1")])
    assert not Path(current.live).exists()
    assert current.router.look().generation is None
    assert "does not answer" in current.router.look().problem


def test_old_ones_are_said_to_lose_idle_connections(old: Gateway) -> None:
    assert any("keep-alive" in note for note in old.router.check([Weight.ZERO]))


@pytest.mark.parametrize("verb", ["set", "check"])
def test_a_template_that_nginx_refuses(gateway: Gateway, verb: str) -> None:
    proof = gateway.router.set(percent("5"), Mark(), None)
    before = gateway.made["host"].read(gateway.live)
    broken = gateway.fresh(source=PACKAGED + "upstrem typo {}\n")
    acts: dict[str, Callable[[], object]] = {
        "set": lambda: broken.set(percent("10"), Mark(), None),
        "check": lambda: broken.check([percent("10")]),
    }
    with pytest.raises(ConfigError, match=r'NGINX refuses 10 %: .*unknown directive "upstrem"'):
        acts[verb]()
    assert gateway.made["host"].read(gateway.live) == before
    assert gateway.router.generation() == proof.generation
    assert _hidden(gateway) == []


@pytest.mark.parametrize("which", ["old", pytest.param("docked", marks=pytest.mark.docker)])
def test_a_canary_that_does_not_resolve_blocks_no_rollback(
    which: str, request: pytest.FixtureRequest
) -> None:
    gateway: Gateway = request.getfixturevalue(which)
    routing = gateway.made["routing"]
    gone = type(routing)(
        routing.upstream, routing.stable, (Address("gone.invalid:8001"),), routing.control
    )
    router = gateway.fresh(routing=gone)
    for act in (
        lambda: router.check([Weight.ZERO, percent("5")]),
        lambda: router.set(percent("5"), Mark(), None),
    ):
        with pytest.raises(ConfigurationRefused, match=r"5 %.*host not found.*gone.invalid:8001"):
            act()
    assert router.set(Weight.ZERO, Mark(), None).weight == Weight.ZERO
    assert set(asked(gateway.port, 20).bodies) == {"stable-1"}


def test_superseded_changes_nothing(gateway: Gateway) -> None:
    mine = gateway.router.set(percent("5"), Mark(), None)
    theirs = gateway.fresh().set(Weight.ZERO, Mark(owner="ben@here:2", reason="enough"), None)
    before = gateway.made["host"].read(gateway.live)
    with pytest.raises(Superseded, match="ben@here:2 set 0 % meanwhile: enough"):
        gateway.router.set(percent("50"), Mark(), mine.generation)
    assert gateway.made["host"].read(gateway.live) == before
    assert gateway.router.generation() == theirs.generation


def test_an_edit_by_hand_is_somebody_elses(current: Gateway) -> None:
    proof = current.router.set(percent("5"), Mark(), None)
    live = Path(current.live)
    text = live.read_text()
    for edited, said in (
        (text.partition("\n")[2], "no longer canaryctl's"),
        (text.replace("max_fails=0", "max_fails=3"), "edited by hand"),
        (text + "\n", "edited by hand"),
    ):
        live.write_text(edited)
        with pytest.raises(Superseded, match=said):
            current.router.set(percent("50"), Mark(), proof.generation)
        assert live.read_text() == edited
        assert current.router.generation() == proof.generation
    assert current.router.look().on_disk == f"{proof.generation} (edited by hand)"
    assert current.router.set(Weight.ZERO, Mark(), None).weight == Weight.ZERO
    assert intact(live.read_text())


def test_a_file_that_is_not_canaryctls_is_not_replaced(current: Gateway) -> None:
    site = "server { listen 127.0.0.1:1; }\n"
    Path(current.live).write_text(site)
    with pytest.raises(ConfigError, match="is not canaryctl's") as caught:
        current.router.set(Weight.ZERO, Mark(), None)
    assert "gateway.config" in caught.value.next_step
    assert Path(current.live).read_text() == site


def test_another_file_that_is_gone_since_the_first_look(gateway: Gateway) -> None:
    host = gateway.made["host"]
    folder = gateway.live.rpartition("/")[0]
    other = f"{folder}/other.conf"

    host.perform([Write(other, 'map "" $other { default 1; }\n')])
    gateway.router.set(percent("5"), Mark(), None)
    host.perform([Remove(other)])
    assert gateway.router.set(percent("6"), Mark(), None).weight == percent("6")
    assert _hidden(gateway) == []


def test_another_file_that_is_broken_is_named(gateway: Gateway) -> None:
    host = gateway.made["host"]
    earlier = gateway.fresh(prove_within=QUICK)
    proof = earlier.set(percent("5"), Mark(), None)
    other = f"{gateway.live.rpartition('/')[0]}/other.conf"
    before = host.read(gateway.live)
    host.perform([Write(other, "nonsense on;\n")])
    try:
        # One has looked around before that file came, one looks now.
        for router, error in (
            (earlier, WeightRefused),
            (gateway.fresh(), ConfigurationRefused),
        ):
            with pytest.raises(error, match='unknown directive "nonsense"') as said:
                router.set(percent("6"), Mark(), None)
            assert "other.conf:1" in str(said.value)
            assert str(said.value).count("nonsense") == 1
    finally:
        host.perform([Remove(other)])
    assert host.read(gateway.live) == before
    assert gateway.router.generation() == proof.generation
    assert _hidden(gateway) == []


def test_not_included_says_what_to_add(current: Gateway) -> None:
    router = current.fresh(live=current.live.replace(".conf", ".txt").replace("conf.d/", "logs/"))
    with pytest.raises(ConfigurationRefused, match="does not include") as caught:
        router.set(Weight.ZERO, Mark(), None)
    assert f"include {router.live};" in caught.value.next_step


class _Meddled:
    """A host on which something happens between the test and the reload."""

    def __init__(self, host: Any, meddle: Callable[[], None], at: type[Step] = Reload) -> None:
        self._host, self._meddle, self._at = host, meddle, at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def perform(self, steps: list[Step]) -> Performed:
        swaps = any(isinstance(step, Swap) for step in steps)
        for number, step in enumerate(steps):
            if swaps and isinstance(step, self._at) and self._meddle is not None:
                meddle, self._meddle = self._meddle, None  # type: ignore[assignment]
                first = self._host.perform(steps[:number])
                meddle()
                rest = self._host.perform(steps[number:])
                return Performed(first.completed + rest.completed, first.output + rest.output)
        performed: Performed = self._host.perform(steps)
        return performed


def test_a_reload_refused_for_another_file(gateway: Gateway) -> None:

    host = gateway.made["host"]
    proof = gateway.router.set(percent("5"), Mark(), None)
    before = host.read(gateway.live)
    other = f"{gateway.live.rpartition('/')[0]}/other.conf"
    meddled = _Meddled(host, lambda: host.perform([Write(other, "nonsense on;\n")]))
    router = gateway.fresh(host=meddled, prove_within=QUICK)
    try:
        with pytest.raises(WeightRefused, match='unknown directive "nonsense"') as caught:
            router.set(percent("50"), Mark(), proof.generation)
    finally:
        host.perform([Remove(other)])
    assert f"generation {proof.generation}" in str(caught.value)
    assert host.read(gateway.live) == before
    assert gateway.router.generation() == proof.generation
    assert asked(gateway.port, 40).bodies["canary-1"] == 2
    assert _hidden(gateway) == []
    assert gateway.router.set(percent("10"), Mark(), proof.generation)


def test_a_reload_refused_for_an_occupied_address(
    current: Gateway, free_port: Callable[[], int]
) -> None:
    """``nginx -t`` passes, for the test does not mind an address in use; the master does."""
    proof = current.router.set(percent("5"), Mark(), None)
    port = free_port()
    source = PACKAGED + f"server {{ listen 127.0.0.1:{port}; }}\n"
    with socket.socket() as occupied:
        occupied.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        occupied.bind(("127.0.0.1", port))
        occupied.listen()
        with pytest.raises(WeightRefused, match=f"generation {proof.generation}.*is in force"):
            current.fresh(source=source).set(percent("50"), Mark(), proof.generation)
    assert current.site is not None
    assert "bind() to 127.0.0.1" in current.error_log()
    assert current.router.look().on_disk == current.router.generation() == proof.generation
    assert current.site.passes() == ""
    assert _hidden(current) == []
    assert asked(current.port, 40).bodies["canary-1"] == 2


def test_a_previous_text_that_no_longer_passes_is_not_put_back(current: Gateway) -> None:
    """What is on disk passes ``nginx -t`` even if that means it is not what was there before."""
    assert current.site is not None
    proof = current.router.set(percent("5"), Mark(), None)
    live = Path(current.live)
    live.write_text(live.read_text().replace("max_fails=0", "max_fails=nonsense"))
    host = current.made["host"]
    assert current.site.process is not None
    master = current.site.process.pid
    meddled = _Meddled(host, lambda: os.kill(master, signal.SIGSTOP), Swap)
    router = current.fresh(host=meddled, prove_within=QUICK)
    # NGINX does not even start with what is there, so a survey would refuse to go on.
    router._surveyed = current.router._surveyed
    with pytest.raises(TrafficUnknown, match="not put back on disk"):
        router.set(percent("50"), Mark(), None)
    assert current.site.passes() == ""
    os.kill(master, signal.SIGCONT)
    assert proof.generation
    assert _hidden(current) == []


def test_an_nginx_that_was_killed(current: Gateway) -> None:
    assert current.site is not None
    current.router.set(percent("5"), Mark(), None)
    current.site.kill()
    router = current.fresh(prove_within=QUICK)
    began = time.monotonic()
    with pytest.raises(TrafficUnknown, match=r"was not told to reload.*stays on disk") as caught:
        router.set(Weight.ZERO, Mark(), None)
    assert time.monotonic() - began < 8
    assert "canaryctl status" in caught.value.next_step
    assert current.site.passes() == ""
    text = Path(current.live).read_text()
    assert intact(text)
    # It may be started again when nobody is left who would judge the canary.
    assert (parse_header(text) or {})["weight"] == "0"
    assert _hidden(current) == []


def test_a_master_that_hangs_has_the_way_back_on_disk_when_it_wakes(current: Gateway) -> None:
    """Its workers go on with what they have; nobody may be left then who would try again."""
    assert current.site is not None
    assert current.site.process is not None
    proof = current.router.set(percent("5"), Mark(), None)
    os.kill(current.site.process.pid, signal.SIGSTOP)
    router = current.fresh(prove_within=QUICK)
    began = time.monotonic()
    with pytest.raises(TrafficUnknown, match=r"0 % was not proven .*it stays on disk"):
        router.set(Weight.ZERO, Mark(), None)
    assert time.monotonic() - began < 8
    seen = current.router.look()
    assert seen.generation == proof.generation
    assert seen.on_disk != proof.generation
    assert asked(current.port, 40).bodies["canary-1"] == 2
    os.kill(current.site.process.pid, signal.SIGCONT)
    eventually(lambda: current.router.look().generation == seen.on_disk, "it is loaded")
    assert current.router.look().weight == Weight.ZERO


def test_a_master_that_hangs_leaves_the_previous_weights_in_force(current: Gateway) -> None:
    """On the way up what is proven is what its workers go on with."""
    assert current.site is not None
    assert current.site.process is not None
    proof = current.router.set(percent("5"), Mark(), None)
    os.kill(current.site.process.pid, signal.SIGSTOP)
    with pytest.raises(WeightRefused, match=f"generation {proof.generation}"):
        current.fresh(prove_within=QUICK).set(percent("50"), Mark(), None)
    assert current.router.look().on_disk == proof.generation
    os.kill(current.site.process.pid, signal.SIGCONT)
    assert current.router.set(Weight.ZERO, Mark(), proof.generation)


def test_a_host_that_goes_away_amid_a_check_is_tidied_when_it_is_back(gateway: Gateway) -> None:
    """A container that is killed, say: its own cleaning up never came about."""

    class Killed(_Meddled):
        away = 0

        def perform(self, steps: list[Step]) -> Performed:
            if self._meddle is not None and any(isinstance(step, Write) for step in steps):
                self._meddle = None  # type: ignore[assignment]
                first = next(at for at, step in enumerate(steps) if isinstance(step, Run))
                self._host.perform(steps[:first])
                assert _hidden(gateway)
                self.away = 2
            if self.away:
                self.away -= 1
                raise HostError("the container is gone")
            return super().perform(steps)

    router = gateway.fresh(host=Killed(gateway.made["host"], lambda: None))
    with pytest.raises(HostError, match="the container is gone"):
        router.check([Weight.ZERO, percent("5")])
    assert _hidden(gateway) == []


def test_an_nginx_that_hangs_as_a_whole_is_unknown(current: Gateway) -> None:
    assert current.site is not None
    assert current.site.process is not None
    current.router.set(percent("5"), Mark(), None)
    everybody = [current.site.process.pid, *current.site.workers()]
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(TrafficUnknown, match="timed out"):
            current.fresh(prove_within=QUICK).set(Weight.ZERO, Mark(), None)
        assert time.monotonic() - began < 10
    finally:
        for pid in everybody:
            os.kill(pid, signal.SIGCONT)
    assert current.site.passes() == ""


@pytest.mark.parametrize("before", [None, "5"])
def test_a_wrong_verify_port(
    current: Gateway, free_port: Callable[[], int], before: str | None
) -> None:
    assert current.site is not None
    if before:
        current.router.set(percent(before), Mark(), None)
    wrong = Control(f"http://127.0.0.1:{free_port()}", current.made["clock"])
    with pytest.raises(TrafficUnknown, match=rf"{wrong.url} within 1 s.*refused") as caught:
        current.fresh(control=wrong, prove_within=QUICK).set(Weight.ZERO, Mark(), None)
    assert "gateway.verify" in caught.value.next_step
    assert current.site.passes() == ""
    assert Path(current.live).exists() == (before is not None)
    with pytest.raises(GatewayUnreachable):
        wrong.ask()


def test_a_verify_port_of_something_else(current: Gateway) -> None:
    current.router.set(percent("5"), Mark(), None)
    wrong = Control(f"http://127.0.0.1:{current.port}", current.made["clock"])
    with pytest.raises(TrafficUnknown, match="not canaryctl's control listener"):
        current.fresh(control=wrong, prove_within=QUICK).set(Weight.ZERO, Mark(), None)


def test_an_engine_that_says_nothing_about_a_change_that_was_made(current: Gateway) -> None:
    """Then NGINX itself tells: the weight is proven."""

    class Silent(_Meddled):
        def perform(self, steps: list[Step]) -> Performed:
            done = super().perform(steps)
            if any(isinstance(step, Reload) for step in steps):
                raise HostError("no answer in time")
            return done

    proof = current.fresh(host=Silent(current.made["host"], lambda: None)).set(
        percent("5"), Mark(), None
    )
    assert current.router.generation() == proof.generation


def test_a_change_left_unfinished_cannot_come_into_force_later(current: Gateway) -> None:
    """What was staged by a killed process, and may still be carried out, is taken away."""
    locks = current.made["writing"].__self__
    token = current.made["token"]
    current.router.set(Weight.ZERO, Mark(), None)
    (locks.directory / f"{token}.writing").write_text("abc123")
    left = Path(current.live).with_name(f".canaryctl-{token}-abc123.conf")
    left.write_text("half a te")
    current.router.set(percent("5"), Mark(), None)
    assert not left.exists()
    assert _hidden(current) == []


@pytest.mark.parametrize("gone", [0, 1])
def test_what_was_staged_goes_though_the_answer_to_the_change_was_lost(
    current: Gateway, gone: int
) -> None:
    """Its container was killed after the swap, say; ``gone``: the next call fails as well."""
    current.router.set(Weight.ZERO, Mark(), None)

    class Cut(_Meddled):
        lost = 0

        def perform(self, steps: list[Step]) -> Performed:
            swaps = any(isinstance(step, Swap) for step in steps)
            if swaps and not self.lost:
                self.lost = 1
                super().perform([step for step in steps if not isinstance(step, Remove)])
                raise HostError("the connection was cut")
            if 0 < self.lost <= gone:
                self.lost += 1
                raise HostError("the connection was cut")
            return super().perform(steps)

    host = Cut(current.made["host"], lambda: None)
    assert current.fresh(host=host).set(percent("5"), Mark(), None).weight == percent("5")
    assert bool(_hidden(current)) == bool(gone)
    current.router.set(Weight.ZERO, Mark(), None)
    assert _hidden(current) == []


def test_looking_while_nothing_runs(current: Gateway) -> None:
    assert current.site is not None
    proof = current.router.set(percent("5"), Mark(release="v2"), None)
    current.site.kill()
    seen = current.router.look()
    assert (seen.generation, seen.weight, seen.on_disk) == (None, None, proof.generation)
    assert seen.mark == Mark(release="v2")
    assert "does not answer" in seen.problem


def test_two_changes_at_once_take_turns(current: Gateway) -> None:

    current.router.set(Weight.ZERO, Mark(), None)
    routers = [current.fresh() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        proofs = list(pool.map(lambda r: r.set(percent("5"), Mark(), None), routers))
    assert len({proof.generation for proof in proofs}) == 4
    newest = max(proofs, key=lambda proof: int(proof.generation.partition("-")[0]))
    assert current.router.generation() == newest.generation
    state = parse_header(Path(current.live).read_text())
    assert state is not None
    assert state["generation"] == newest.generation


def test_a_second_reload_while_the_first_is_under_way(current: Gateway) -> None:
    """HUPs that come together become one; the last file is the one in force."""
    assert current.site is not None
    assert current.site.process is not None
    current.router.set(Weight.ZERO, Mark(), None)
    for weight in ("5", "50", "100", "25"):
        for _ in range(3):
            os.kill(current.site.process.pid, signal.SIGHUP)
        proof = current.router.set(percent(weight), Mark(), None)
        assert current.router.generation() == proof.generation
    assert asked(current.port, 40).bodies["canary-1"] == 10
