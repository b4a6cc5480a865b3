"""Testing a file in its place without putting it there, against a real ``nginx -T`` and ``-t``."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from canaryctl.drivers.nginx_files import (
    NotIncluded,
    Trial,
    directive,
    dumped,
    routed,
    trial,
)
from tests.drivers.gateways import OLD_NGINX

HEAD = "pid nginx.pid; error_log error.log;\nevents {}\n"
UPSTREAM = "upstream ours { server 127.0.0.1:1; }\n"
ELSE = "upstream other { server 127.0.0.1:2; }\n"


@dataclass
class Config:
    """A folder with a configuration, and the NGINX that judges it."""

    folder: Path
    binary: str

    def write(self, **files: str) -> None:
        """Write files; a double underscore stands for a slash, a single one for a dot."""
        for name, text in files.items():
            path = self.folder / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("DIR", str(self.folder)))

    def nginx(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [self.binary, "-p", str(self.folder), *arguments]
        return subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )

    def dump(self) -> dict[str, str]:
        ended = self.nginx("-T", "-c", str(self.folder / "nginx.conf"))
        assert ended.returncode == 0, ended.stdout
        return dumped(ended.stdout)

    def trial(self, live: str = "conf.d/live.conf") -> Trial:
        path = self.folder / live
        staged = path.parent / ".staged.conf"
        return trial(self.dump(), str(path), str(staged), "tok")

    def verdict(self, staged: str, live: str = "conf.d/live.conf") -> str:
        """Test ``staged`` in the place of ``live``; gives NGINX's words, empty when accepted."""
        found = self.trial(live)
        lies = (self.folder / live).parent / ".staged.conf"
        lies.write_text(staged)
        for path, text in found.files.items():
            Path(path).write_text(text)
        ended = self.nginx("-t", "-q", "-c", found.main)
        for one in (lies, *map(Path, found.files)):
            one.unlink()
        return ended.stdout if ended.returncode else ""


@pytest.fixture(params=["current", OLD_NGINX])
def config(request: pytest.FixtureRequest, tmp_path: Path, nginx_binary: Path) -> Config:
    (tmp_path / "conf.d").mkdir()
    return Config(tmp_path, str(nginx_binary) if request.param == "current" else request.param)


def _takes_its_place(config: Config, live: str = "conf.d/live.conf") -> None:
    """The staged text is tested, and the live one is not: both define the same upstream."""
    assert config.verdict(UPSTREAM, live) == ""
    said = config.verdict("upstream broken { nonsense; }\n", live)
    assert 'unknown directive "nonsense"' in said
    assert ".staged.conf" in said


def test_a_dump_is_split_into_the_files_it_was_made_of(config: Config) -> None:
    main = f"{HEAD}http {{\n    include conf.d/*.conf;\n}}\n"
    config.write(nginx_conf=main, conf_d__live_conf=UPSTREAM, conf_d__a_conf="")
    got = config.dump()
    assert list(got) == [
        str(config.folder / name) for name in ("nginx.conf", "conf.d/a.conf", "conf.d/live.conf")
    ]
    assert [text.strip() for text in got.values()] == [main.strip(), "", UPSTREAM.strip()]


GLOBS = [
    "include conf.d/*.conf;",
    "include DIR/conf.d/*.conf;",
    'include "conf.d/*.conf";',
    "include\n\tconf.d/*.conf\n;",
    "include conf.d/../conf.d/l*.conf;",
    "include */live.conf;",
    "include conf.d/[k-m]ive.conf;",
    "include conf.d/liv?.conf;",
]
PLAIN = [
    "include conf.d/live.conf;",
    "include DIR/conf.d/live.conf;",
    "include 'DIR/conf.d/live.conf';",
    "'include' conf.d/live.conf;",
]


@pytest.mark.parametrize("include", [*GLOBS, *PLAIN])
def test_every_way_of_including(config: Config, include: str) -> None:
    config.write(nginx_conf=f"{HEAD}http {{ {include} }}\n", conf_d__live_conf=UPSTREAM)
    _takes_its_place(config)


@pytest.mark.parametrize("include", GLOBS)
def test_a_file_that_does_not_exist_yet(config: Config, include: str) -> None:
    config.write(nginx_conf=f"{HEAD}http {{ {include} }}\n")
    _takes_its_place(config)
    assert not (config.folder / "conf.d/live.conf").exists()


def test_the_other_files_of_the_glob_are_kept_in_their_order(config: Config) -> None:
    config.write(
        nginx_conf=f"{HEAD}http {{ include conf.d/*.conf; }}\n",
        conf_d__a_conf="map $uri $one { default 1; }\n",
        conf_d__live_conf=UPSTREAM,
        conf_d__z_conf="server { listen 127.0.0.1:1; return 200 $one; }\n",
        conf_d__hidden_txt="not a configuration",
    )
    _takes_its_place(config, "conf.d/live.conf")
    [text] = config.trial().files.values()
    names = re.findall(r'include "([^"]+)"', text)
    assert [Path(name).name for name in names] == ["a.conf", ".staged.conf", "z.conf"]


def test_what_the_others_define_is_seen_and_what_they_miss_is_missed(config: Config) -> None:
    config.write(
        nginx_conf=f"{HEAD}http {{ include conf.d/*.conf; }}\n",
        conf_d__live_conf='map "" $ours { default 1; }\n',
        conf_d__z_conf="server { listen 127.0.0.1:1; return 200 $ours; }\n",
    )
    assert config.verdict('map "" $ours { default 2; }\n') == ""
    assert 'unknown "ours" variable' in config.verdict(UPSTREAM)


def test_files_between_main_and_ours_are_copied(config: Config) -> None:
    config.write(
        nginx_conf=f"{HEAD}http {{ include conf.d/*.conf; include sites/*; }}\n",
        conf_d__else_conf=ELSE,
        sites__app="# the site\ninclude upstreams/live.conf;\nserver { listen 127.0.0.1:1; }\n",
        sites__other="include upstreams/not-ours.conf;\n",
        upstreams__live_conf=UPSTREAM,
    )
    (config.folder / "upstreams/not-ours.conf").write_text(
        "upstream third { server 127.0.0.1:3; }\n"
    )
    _takes_its_place(config, "upstreams/live.conf")
    found = config.trial("upstreams/live.conf")
    assert len(found.files) == 2
    assert found.main == str(config.folder / ".canaryctl-tok-1.conf")


def test_a_file_included_twice_is_replaced_twice(config: Config) -> None:
    config.write(
        nginx_conf=f"{HEAD}http {{ server {{ listen 127.0.0.1:1; include conf.d/live.conf; }}\n"
        "server { listen 127.0.0.1:2; include conf.d/live.conf; } }\n",
        conf_d__live_conf="add_header A 1;\n",
    )
    assert config.verdict("add_header B 2;\n") == ""
    [text] = config.trial().files.values()
    assert text.count(".staged.conf") == 2
    assert "live.conf" not in text


def test_includes_in_comments_and_strings_are_none(config: Config) -> None:
    config.write(
        nginx_conf=f"{HEAD}http {{\n"
        "    # include conf.d/live.conf; it's a \"comment\n"
        "    server { listen 127.0.0.1:1;\n"
        "        location ~ ^/a#b\\;include { return 200 'x; include conf.d/live.conf; y'; }\n"
        '        location /q { return 200 "a\\"; include conf.d/live.conf; \\"b"; }\n'
        "        location ~ it's { return 200 ${uri}; } }\n"
        "    include conf.d/*.conf; # include conf.d/live.conf;\n}\n",
        conf_d__live_conf=UPSTREAM,
        conf_d__else_conf=ELSE,
    )
    _takes_its_place(config)
    [text] = config.trial().files.values()
    assert text.count(".staged.conf") == 1
    assert text.count("include conf.d/live.conf;") == 4


@pytest.mark.parametrize(
    "include", ["", "include conf.d/*.txt;", "include other/*.conf;", "# include conf.d/*.conf;"]
)
def test_a_file_that_nothing_includes_is_said_to_be_none(config: Config, include: str) -> None:
    config.write(nginx_conf=f"{HEAD}http {{ {include}\n }}\n", conf_d__live_conf=UPSTREAM)
    with pytest.raises(NotIncluded):
        config.trial()


def test_a_hidden_live_file_is_found_only_by_name(config: Config) -> None:
    config.write(nginx_conf=f"{HEAD}http {{ include conf.d/*.conf; }}\n")
    with pytest.raises(NotIncluded):
        config.trial("conf.d/.live.conf")


def test_copies_are_never_matched_by_the_globs_they_lie_beside(config: Config) -> None:
    config.write(nginx_conf=f"{HEAD}http {{ include conf.d/*; }}\n", conf_d__live_conf=UPSTREAM)
    found = config.trial()
    (config.folder / "conf.d/.staged.conf").write_text("this is broken")
    for path in found.files:
        Path(path).write_text("so is this")
    assert config.nginx("-t", "-c", str(config.folder / "nginx.conf")).returncode == 0


def test_a_directive_is_found_wherever_a_statement_may_begin() -> None:
    look: Callable[[str], bool] = lambda text: directive(  # noqa: E731
        {"a": text, "ours": "wanted 1;"}, "wanted", besides="ours"
    )
    assert look("http { wanted 5s; }")
    assert look("wanted 1;")
    assert look("a b;# c\n  wanted 1;")
    assert not look("# wanted 1;")
    assert not look("log 'wanted 1;' wanted;")
    assert not look("unwanted 1;")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("location / { proxy_pass http://shop; }", True),
        ("location / { proxy_pass http://shop/api; }", True),
        ("location / { proxy_pass http://$canaryctl_upstream; }", True),
        ("location / { grpc_pass grpc://shop; }", True),
        ("location / { proxy_pass http://shop-old; }", False),
        ("location / { proxy_pass http://workshop:8000; }", False),
        ("upstream shop { server a:1; }", False),
    ],
)
def test_a_location_that_passes_to_the_upstream_is_found(text: str, *, found: bool) -> None:
    files = {
        "/etc/nginx/nginx.conf": text,
        "/etc/nginx/conf.d/live.conf": "proxy_pass http://shop;",
    }
    assert routed(files, "shop", besides="/etc/nginx/conf.d/live.conf") is found
