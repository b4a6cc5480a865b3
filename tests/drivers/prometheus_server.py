"""A real Prometheus that scrapes what the test names."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

from canaryctl.demo.processes import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_READY_SECONDS = 30.0
_END_SECONDS = 10.0
_ATTEMPTS = 3
_LOOK = 0.05
_SAYS_READY = b"ready to receive web requests"


def prometheus_binary() -> str | None:
    """Where the binary is, None when there is none on PATH."""
    return shutil.which("prometheus")


def free_port() -> int:
    """A loopback port that nobody listens on, nor is given for a minute."""
    return free_ports(1)[0]


@contextmanager
def prometheus(
    targets: Mapping[str, Sequence[str]],
    directory: Path,
    *,
    interval: str = "500ms",
    prefix: str = "",
    web_config: str = "",
) -> Iterator[str]:
    """Run Prometheus on a free loopback port until the block ends.

    Args:
        targets: ``host:port`` of the metrics pages; the key becomes the label ``version``.
        directory: for its configuration, data and log.
        interval: between scrapes, in Prometheus' notation.
        prefix: path under which it serves, such as ``/prometheus``.
        web_config: content of its ``--web.config.file`` (TLS, users). Readiness is then read
            in its log, as the test alone knows how to log in.

    Yields:
        Its URL, prefix included.
    """
    binary = prometheus_binary()
    if binary is None:
        raise FileNotFoundError("no prometheus on PATH")
    (directory / "prometheus.yml").write_text(_config(targets, interval))
    arguments = [
        binary,
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.route-prefix={prefix or '/'}",
    ]
    if web_config:
        (directory / "web.yml").write_text(web_config)
        arguments.append(f"--web.config.file={directory / 'web.yml'}")
    process, port = _started(arguments, directory / "prometheus.log", prefix, bool(web_config))
    try:
        scheme = "https" if "tls_server_config" in web_config else "http"
        yield f"{scheme}://127.0.0.1:{port}{prefix}"
    finally:
        _end(process)


def _started(
    arguments: Sequence[str], log: Path, prefix: str, by_log: bool
) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(_ATTEMPTS):
        port = free_port()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*arguments, f"--web.listen-address=127.0.0.1:{port}"],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            if _ready(process, port, prefix, log if by_log else None):
                return process, port
        except BaseException:
            _end(process)
            raise
        # Somebody took the port between our look and its start, or it cannot run at all.
        _end(process)
    raise RuntimeError(f"prometheus does not get ready:\n{log.read_text()[-2000:]}")


def _ready(process: subprocess.Popen[bytes], port: int, prefix: str, log: Path | None) -> bool:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if log is not None:
                if _SAYS_READY in log.read_bytes():
                    return True
                time.sleep(_LOOK)
                continue
            address = f"http://127.0.0.1:{port}{prefix}/-/ready"
            with urllib.request.urlopen(address, timeout=1):
                return True
        except (OSError, urllib.error.HTTPError) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            time.sleep(_LOOK)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _config(targets: Mapping[str, Sequence[str]], interval: str) -> str:
    # JSON is YAML: nothing needs escaping by hand.
    return json.dumps(
        {
            "global": {"scrape_interval": interval, "scrape_timeout": interval},
            "scrape_configs": [
                {
                    "job_name": version,
                    "static_configs": [{"targets": list(pages), "labels": {"version": version}}],
                }
                for version, pages in targets.items()
            ],
        }
    )
