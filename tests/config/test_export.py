"""``export``: where canaryctl's own metrics are read."""

from __future__ import annotations

import pytest

from canaryctl.config.export import split
from canaryctl.config.load import loads
from canaryctl.core.errors import ConfigError

TEXT = """\
service: shop
versions: {stable: {address: "app:8000"}, canary: {address: "app-canary:8001"}}
gateway: {driver: local, config: /etc/nginx/conf.d/canaryctl-upstream.conf}
export: %s
"""


def test_left_out_nothing_is_exported() -> None:
    assert loads(TEXT.replace("export: %s\n", "")).export is None
    assert loads(TEXT % "{}").export.listen is None


def test_addresses_and_how_long_it_waits() -> None:
    export = loads(TEXT % '{listen: "127.0.0.1:9181", guard_listen: "[::1]:9182"}').export
    assert split(export.listen) == ("127.0.0.1", 9181)
    assert split(export.guard_listen) == ("::1", 9182)
    assert export.linger == 20
    assert loads(TEXT % "{linger: 0}").export.linger == 0


@pytest.mark.parametrize(
    "wrong", ["9181", "'9181'", "localhost", "'host:0'", "'host:65536'", "'a b:1'", "'http://x:1'"]
)
def test_what_is_no_address(wrong: str) -> None:
    with pytest.raises(ConfigError) as raised:
        loads(TEXT % f"{{listen: {wrong}}}")
    assert "canary.yaml:4: export.listen: an address to listen on is host:port" in str(raised.value)
