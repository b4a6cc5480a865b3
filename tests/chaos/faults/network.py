"""The network between canaryctl and what it talks to: cut, or a hole in which all is lost."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from dataclasses import dataclass, field
from enum import Enum

from tests.chaos.faults.base import Cell, Fault, Overrides
from tests.chaos.faults.metrics import behind

_RESET = struct.pack("ii", 1, 0)
_LOOK = 0.05
_CHUNK = 65536


class Net(Enum):
    """What becomes of what is sent."""

    WHOLE = "whole"
    CUT = "cut"
    HOLE = "hole"


@dataclass
class Proxy:
    """Passes connections on, byte by byte, while the network is whole.

    Attributes:
        port: on 127.0.0.1, where it leads to; or
        path: a Unix socket's.
        own: a Unix socket's path to listen on; left out: a port of 127.0.0.1, chosen free.
    """

    port: int = 0
    path: str = ""
    own: str = ""
    net: Net = Net.WHOLE
    listener: socket.socket = field(init=False)
    _ended: threading.Event = field(default_factory=threading.Event)
    _open: set[socket.socket] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.own:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.own)
        else:
            self.listener = socket.socket()
            self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(256)
        self.listener.settimeout(_LOOK)
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    @property
    def listens(self) -> int:
        """The port it listens on."""
        port: int = self.listener.getsockname()[1]
        return port

    def close(self) -> None:
        """End it and all its connections."""
        self._ended.set()
        self._thread.join()
        self.listener.close()
        for one in list(self._open):
            one.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(OSError):
                client, _ = self.listener.accept()
                self._open.add(client)
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX if self.path else socket.AF_INET)
        try:
            if self.net is Net.WHOLE:
                server.connect(self.path or ("127.0.0.1", self.port))
            self._pump(client, server)
        except OSError:
            pass
        finally:
            if self.net is Net.CUT:
                with contextlib.suppress(OSError):
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            for one in (client, server):
                one.close()
            self._open.discard(client)

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        both = {client: server, server: client}
        while not self._ended.is_set() and self.net is not Net.CUT:
            if self.net is Net.HOLE:
                self._ended.wait(_LOOK)
                continue
            if server.fileno() < 0 or not _connected(server):
                return  # it began in a hole: what was sent is lost
            ready, _, _ = select.select(list(both), [], [], _LOOK)
            for one in ready:
                data = one.recv(_CHUNK)
                if not data:
                    both.pop(one)
                    with contextlib.suppress(OSError):
                        (server if one is client else client).shutdown(socket.SHUT_WR)
                    if not both:
                        return
                    if one is server:
                        return
                    continue
                (server if one is client else client).sendall(data)


def _connected(server: socket.socket) -> bool:
    try:
        server.getpeername()
    except OSError:
        return False
    return True


def _to_verify(cell: Cell) -> Overrides:
    control = cell.world.site.ports.control
    proxy = Proxy(port=control)
    cell.ending.callback(proxy.close)
    cell.notes["net"] = proxy
    return {
        "gateway": {
            "verify": f"http://127.0.0.1:{proxy.listens}",
            "control": f"127.0.0.1:{control}",
        }
    }


def _to_metrics(cell: Cell) -> Overrides:
    """Lead to both versions' own metrics through one cut each."""
    ports = cell.world.site.ports
    both = [Proxy(port=ports.stable), Proxy(port=ports.canary)]
    for one in both:
        cell.ending.callback(one.close)
    cell.notes["net"] = both
    stable, canary = (f"http://127.0.0.1:{one.listens}/metrics" for one in both)
    return {"metrics": {"targets": {"stable": [stable], "canary": [canary]}}}


def _to_prometheus(cell: Cell) -> Overrides:
    """Lead to Prometheus through a cut."""
    url = str(behind(cell)["metrics"]["url"])
    proxy = Proxy(port=int(url.rpartition(":")[2]))
    cell.ending.callback(proxy.close)
    cell.notes["net"] = proxy
    return {"metrics": {"provider": "prometheus", "url": f"http://127.0.0.1:{proxy.listens}"}}


def _set(cell: Cell, net: Net) -> None:
    found = cell.notes["net"]
    for proxy in found if isinstance(found, list) else [found]:
        proxy.net = net


_WAYS = {"verify": _to_verify, "metrics": _to_metrics, "prometheus": _to_prometheus}


def _network(to: str, net: Net) -> Fault:
    return Fault(
        f"network to {to}: {net.value}",
        lambda cell: _set(cell, net),
        lambda cell: _set(cell, Net.WHOLE),
        _WAYS[to],
        lasts=3.0,
    )


FAULTS = tuple(_network(to, net) for to in _WAYS for net in (Net.CUT, Net.HOLE))
