"""What every host keeps: the fake, the local one and a container alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from canaryctl.core.moment import parse_moment
from canaryctl.drivers.docker_host import DockerHost
from canaryctl.drivers.local_host import LocalHost
from canaryctl.ports import (
    MOST_TAILED,
    Absent,
    Expect,
    Host,
    Lock,
    Performed,
    Remove,
    Run,
    Step,
    Swap,
    Sweep,
    Tail,
    Unlock,
    Write,
)
from tests.fakes import FakeHost

GOOD = "events {}\n"
BAD = "events {}\nthis_is_broken on;\n"
COMPLAINT = 'unknown directive "this_is_broken"'
NASTY = '-n it\'s "$(id)" `id` ${HOME} \\n \\\\ %s %d * ; & | > é 日本 🐤\r\n\tend\n\n'


class NamedHost(Host, Protocol):
    def describe(self) -> str: ...
    def identity(self) -> str: ...


@dataclass(frozen=True)
class Site:
    """A host and a folder on it that the tests may fill."""

    host: NamedHost
    folder: str

    def at(self, name: str) -> str:
        return f"{self.folder}/{name}"


def _refuse(files: Mapping[str, str], arguments: tuple[str, ...]) -> str:
    tested = files[arguments[arguments.index("-c") + 1]]
    return COMPLAINT if "this_is_broken" in tested else ""


@pytest.fixture(scope="module")
def fake() -> Site:
    return Site(FakeHost(refuse=_refuse), "/etc/nginx/conf.d")


@pytest.fixture(scope="module")
def local(nginx_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = str(tmp_path_factory.mktemp("local"))
    return Site(LocalHost(binary=str(nginx_binary), prefix=folder), folder)


@pytest.fixture(scope="module")
def in_docker(base_image: str, docker_url: str, run_container: Any) -> Iterator[Site]:
    command = ["nginx", "-p", "/tmp", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;"]  # noqa: S108
    container = run_container(base_image, command)
    host = DockerHost(container.name, docker_host=docker_url)
    yield Site(host, "/etc/nginx")
    host.close()


@pytest.fixture(
    scope="module",
    params=["fake", "local", pytest.param("in_docker", marks=pytest.mark.docker)],
)
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


def test_nothing_there_reads_as_none(site: Site) -> None:
    assert site.host.read(site.at("never-written.conf")) is None
    assert site.host.read(site.at("no-such-folder/x.conf")) is None


def test_what_was_written_and_swapped_is_read(site: Site) -> None:
    staged, live = site.at("a.staged"), site.at("a.conf")
    assert site.host.perform([Write(staged, "one\n"), Swap(staged, live)]).completed == 2
    assert site.host.read(live) == "one\n"
    assert site.host.read(staged) is None


def test_swap_replaces_what_was_live(site: Site) -> None:
    staged, live = site.at("b.staged"), site.at("b.conf")
    site.host.perform([Write(live, "old\n" * 100), Write(staged, "new\n"), Swap(staged, live)])
    assert site.host.read(live) == "new\n"


@pytest.mark.parametrize(
    ("there", "expected", "goes_on"),
    [
        ("one\ntwo\n", "one\ntwo\n", True),
        ("one\ntwo\n\n", "one\ntwo\n", False),
        ("one\ntwo", "one\ntwo\n", False),
        ("x = $(id) \"'`", "x = $(id) \"'`", True),
        (None, "", False),
    ],
)
def test_a_step_that_expects_a_text_stops_at_any_other(
    site: Site, there: str | None, expected: str, *, goes_on: bool
) -> None:
    live, staged = site.at("fenced.conf"), site.at("fenced.staged")
    site.host.perform([Remove(live)] if there is None else [Write(live, there)])
    done = site.host.perform([Write(staged, "new"), Expect(live, expected), Swap(staged, live)])
    assert done.completed == (3 if goes_on else 1)
    assert site.host.read(live) == ("new" if goes_on else there)


def test_a_stamp_is_the_hosts_own_moment(site: Site) -> None:
    path = site.at("stamped")
    site.host.perform([Write(path, "mine\n", stamped=True)])
    seen = site.host.glance(path)
    assert seen.text is not None
    first, _, rest = seen.text.partition("\n")
    written = parse_moment(rest)
    assert first == "mine"
    assert written is not None
    age = seen.moment.since(written)
    assert age is not None
    assert 0 <= age < 60


def test_a_glance_at_nothing_still_tells_the_moment(site: Site) -> None:
    seen = site.host.glance(site.at("never-written"))
    assert seen.text is None
    assert seen.moment.uptime > 0


def test_a_glance_gives_a_file_as_it_is(site: Site) -> None:
    path = site.at("glanced")
    site.host.perform([Write(path, NASTY)])
    assert site.host.glance(path).text == NASTY


@pytest.mark.parametrize("there", [True, False])
def test_a_step_that_expects_nothing_stops_at_anything(site: Site, *, there: bool) -> None:
    path, staged = site.at("absent.conf"), site.at("absent.staged")
    site.host.perform([Write(path, "old")] if there else [Remove(path)])
    done = site.host.perform([Write(staged, "new"), Absent(path), Swap(staged, path)])
    assert done.completed == (1 if there else 3)
    assert site.host.read(path) == ("old" if there else "new")


def test_a_lock_is_taken_given_back_and_taken_again(site: Site) -> None:
    path, file = site.at("lock"), site.at("locked")
    steps: list[Step] = [Lock(path, 1.0), Write(file, "1"), Unlock(), Lock(path, 1.0), Unlock()]
    for needed in (True, False):
        steps.append(Lock(path, 1.0, needed=needed))
        assert site.host.perform(steps).completed == len(steps)


def test_a_sweep_takes_what_others_staged_and_nothing_else(site: Site) -> None:
    names = (".swept-a.conf", ".swept-b.conf", ".swept-c.text", "swept-d.conf")
    paths = [site.at(name) for name in names]
    site.host.perform([Write(path, "x") for path in paths])
    sweep = Sweep(site.at(".swept-"), ".conf", keep=paths[1])
    assert site.host.perform([sweep, sweep]).completed == 2
    assert [site.host.read(path) for path in paths] == [None, "x", "x", "x"]


def test_a_lock_in_no_folder_ends_only_what_needs_it(site: Site) -> None:
    path, file = site.at("no-such-folder/lock"), site.at("unlocked")
    if isinstance(site.host, FakeHost):
        site.host.held.add(path)
    assert site.host.perform([Lock(path, 0.2), Write(file, "1")]).completed == 0
    assert site.host.perform([Lock(path, 0.2, needed=False), Write(file, "2")]).completed == 2
    assert site.host.read(file) == "2"


def test_a_write_replaces_what_was_longer(site: Site) -> None:
    path = site.at("c.staged")
    site.host.perform([Write(path, "long\n" * 100), Write(path, "short")])
    assert site.host.read(path) == "short"


def test_an_accepted_test_lets_the_later_steps_happen(site: Site) -> None:
    staged, live = site.at("d.staged"), site.at("d.conf")
    steps: list[Step] = [Write(staged, GOOD), Run(("-t", "-c", staged)), Swap(staged, live)]
    assert site.host.perform(steps).completed == 3
    assert site.host.read(live) == GOOD


def test_a_refused_test_stops_and_says_why(site: Site) -> None:
    staged, live = site.at("e.staged"), site.at("e.conf")
    site.host.perform([Write(live, GOOD)])
    steps: list[Step] = [
        Write(staged, BAD),
        Run(("-t", "-c", staged)),
        Swap(staged, live),
        Remove(live),
    ]
    performed = site.host.perform(steps)
    assert performed.completed == 1
    assert COMPLAINT in performed.output
    assert site.host.read(live) == GOOD
    assert site.host.read(staged) == BAD


def test_the_first_step_can_be_the_one_that_fails(site: Site) -> None:
    live = site.at("f.conf")
    site.host.perform([Write(live, GOOD)])
    performed = site.host.perform([Swap(site.at("f.missing"), live), Remove(live)])
    assert performed.completed == 0
    assert "f.missing" in performed.output
    assert site.host.read(live) == GOOD


def test_the_eleventh_step_can_be_the_one_that_fails(site: Site) -> None:
    steps = [Write(site.at(f"g{n}"), str(n)) for n in range(10)]
    performed = site.host.perform([*steps, Swap(site.at("g.missing"), site.at("g0"))])
    assert performed.completed == 10
    assert [site.host.read(site.at(f"g{n}")) for n in (0, 9)] == ["0", "9"]


def test_removing_is_done_and_nothing_there_is_fine(site: Site) -> None:
    path = site.at("h.conf")
    site.host.perform([Write(path, "x")])
    assert site.host.perform([Remove(path), Remove(path)]).completed == 2
    assert site.host.read(path) is None


def test_no_steps_are_no_work(site: Site) -> None:
    assert site.host.perform([]) == Performed(0, "")


def test_no_value_is_read_as_code(site: Site) -> None:
    name = site.at('it\'s "$(touch hacked)" `id` ${HOME} 🐤 *.conf')
    performed = site.host.perform([Write(name, GOOD), Run(("-t", "-c", name))])
    assert performed.completed == 2, performed.output
    assert site.host.read(name) == GOOD
    site.host.perform([Swap(name, site.at("i.conf")), Remove(site.at("*"))])
    assert site.host.read(site.at("i.conf")) == GOOD


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example("")
@example(NASTY)
@example("-e leads with a dash")
@example("\n\n")
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300))
def test_any_text_arrives_unchanged(site: Site, text: str) -> None:
    path = site.at("j.conf")
    assert site.host.perform([Write(path, text)]).completed == 1
    assert site.host.read(path) == text


def test_more_text_than_one_argument_can_hold_arrives_unchanged(site: Site) -> None:
    path, text = site.at("k.conf"), "".join(f"# {n} é🐤\n" for n in range(30_000))
    assert len(text.encode()) > 3 * 128 * 1024
    assert site.host.perform([Write(path, text)]).completed == 1
    assert site.host.read(path) == text


def test_the_tail_of_nothing_is_none(site: Site) -> None:
    assert site.host.tail(site.at("never-written.log"), 0) is None
    assert site.host.tail(site.at("no-such-folder/x.log"), 10) is None


def test_the_tail_is_what_stands_from_the_offset_on(site: Site) -> None:
    path = site.at("l.log")
    site.host.perform([Write(path, "")])
    empty = site.host.tail(path, 0)
    site.host.perform([Write(path, NASTY)])
    raw = NASTY.encode()
    for offset in (0, 1, len(raw) - 1, len(raw), len(raw) + 1, 10**9):
        tail = site.host.tail(path, offset)
        assert tail is not None
        assert (tail.size, tail.content) == (len(raw), raw[offset:])
        assert empty == Tail(tail.file, 0, b"")


def test_a_rotated_file_is_another_one_and_a_cut_one_is_not(site: Site) -> None:
    path, rotated = site.at("m.log"), site.at("m.log.1")
    site.host.perform([Write(path, "one\ntwo\n")])
    first = site.host.tail(path, 4)
    assert first is not None
    assert first.content == b"two\n"
    site.host.perform([Write(path, "x\n")])
    cut = site.host.tail(path, 4)
    assert cut == Tail(first.file, 2, b"")
    site.host.perform([Swap(path, rotated), Write(path, "three\n")])
    renamed, new = site.host.tail(rotated, 0), site.host.tail(path, 0)
    assert renamed is not None
    assert new is not None
    assert renamed.file == first.file != new.file
    assert (renamed.content, new.content) == (b"x\n", b"three\n")


def test_a_tail_is_bounded_and_says_how_much_there_is(site: Site) -> None:
    # A change that is handed to a container is bounded too: the file is made of several.
    path, part = site.at("n.log"), "10 s 200\n" * 100_000
    if isinstance(site.host, DockerHost):
        script = 'i=0; while [ $i -lt 5 ]; do cat "$1"; i=$((i + 1)); done > "$2"'
        site.host.perform([Write(site.at("part"), part)])
        container = site.host._client.containers.get(str(site.host.container))
        container.exec_run(["sh", "-c", script, "sh", site.at("part"), path])
    else:
        site.host.perform([Write(path, part * 5)])
    for offset, length in ((9, MOST_TAILED), (len(part) * 5 - 18, 18)):
        tail = site.host.tail(path, offset)
        assert tail is not None
        assert tail.size == len(part) * 5
        assert tail.content == (part * 5).encode()[offset : offset + length]


def test_the_path_of_a_tail_is_not_read_as_code(site: Site) -> None:
    name = site.at('-n it\'s "$(touch hacked)" `id` 🐤 *.log')
    site.host.perform([Write(name, "1 c 200\n")])
    tail = site.host.tail(name, 2)
    assert tail is not None
    assert tail.content == b"c 200\n"


def test_a_name_that_means_nothing_has_no_peers(site: Site) -> None:
    located = site.host.locate("no-such-name.invalid:8000")
    assert located.peers == ()
    assert located.answers is False
    assert "no-such-name.invalid" in located.detail


def test_it_can_be_named_and_told_from_others(site: Site) -> None:
    assert site.host.describe()
    assert site.host.identity() == site.host.identity() != ""
