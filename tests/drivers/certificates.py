"""Authorities and certificates made by openssl, and a server that shows one."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    cert: str
    key: str


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=30)


@dataclass(frozen=True)
class Authority:
    """Signs certificates, all of them in one folder."""

    folder: Path
    name: str

    @classmethod
    def made(cls, folder: Path, name: str) -> Authority:
        made = cls(folder, name)
        words = ["-keyout", made.at("key"), "-out", made.at("pem"), "-subj", f"/CN={name}"]
        openssl("req", "-x509", *_EC, "-days", "2", *words)
        return made

    def at(self, suffix: str) -> str:
        return str(self.folder / f"{self.name}.{suffix}")

    @property
    def ca_file(self) -> str:
        return self.at("pem")

    def signed(self, name: str, valid_for: str, days: str = "2") -> Pair:
        """Make a pair, valid for ``IP:127.0.0.1`` and the like; ``-1`` days: expired."""
        pair = Pair(str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key"))
        request, more = str(self.folder / f"{name}.csr"), self.folder / f"{name}.cnf"
        more.write_text(f"subjectAltName={valid_for}\n")
        openssl("req", "-new", *_EC, "-keyout", pair.key, "-out", request, "-subj", f"/CN={name}")
        signing = ["-CA", self.at("pem"), "-CAkey", self.at("key"), "-CAcreateserial"]
        openssl(
            *("x509", "-req", "-in", request, *signing),
            *("-days", days, "-extfile", str(more), "-out", pair.cert),
        )
        return pair


@dataclass
class Served:
    """A server's address, and what it was asked."""

    port: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@contextmanager
def server(
    pair: Pair | None, body: bytes, asks_for: str | None = None, redirect: str | None = None
) -> Iterator[Served]:
    """Answer everything with ``body``.

    Args:
        pair: what is shown; None: no TLS.
        body: of every answer.
        asks_for: the authority of which clients must have a certificate.
        redirect: where everybody is sent instead.
    """
    served = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            served.asked.append(dict(self.headers))
            self.send_response(307 if redirect else 200)
            if redirect:
                self.send_header("Location", redirect)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Keep still."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that refuses us is what these tests want."""

        def get_request(self) -> tuple[socket.socket, Any]:
            connection, address = super().get_request()
            connection.settimeout(10)
            return connection, address

    with Server(("127.0.0.1", 0), Handler) as listening:
        if pair is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.cert, pair.key)
            if asks_for is not None:
                context.load_verify_locations(asks_for)
                context.verify_mode = ssl.CERT_REQUIRED
            listening.socket = context.wrap_socket(
                listening.socket, server_side=True, do_handshake_on_connect=False
            )
        served.port = listening.server_port
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield served
        finally:
            listening.shutdown()
            thread.join()
