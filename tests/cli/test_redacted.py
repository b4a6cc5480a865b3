"""No secret leaves the process: each way out is walked by the program itself."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SECRET = "hunter2-é-hunter2"  # noqa: S105  what must never be shown; in ASCII it is written otherwise
TOKEN = "tok_0123456789abcdef"  # noqa: S105
CONFIG = """
service: shop
versions: {{stable: {{address: "127.0.0.1:{port}"}}, canary: {{address: "127.0.0.1:1"}}}}
gateway:
  driver: local
  config: {folder}/upstream.conf
  verify: http://127.0.0.1:{port}
  binary: {nginx}
  prefix: {folder}
  main: {folder}/nginx.conf
metrics: {metrics}
"""

SCRAPE = """{{provider: scrape, headers: {{Authorization: 'Bearer {0}'}}, targets:
  {{stable: ['http://127.0.0.1:{1}/a'], canary: ['http://127.0.0.1:{1}/b']}}}}"""


class Echo(BaseHTTPRequestHandler):
    """Refuses everybody, and quotes what it was sent, as proxies' error pages do."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = f"denied: {dict(self.headers)} {self.path}".encode()
        self.send_response(401, f"no {self.headers.get('Authorization', '')}")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Keep still."""


@pytest.fixture(scope="module")
def echo() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def configured(tmp_path: Path, echo: int, nginx_binary: Path) -> Callable[[str], Path]:
    def write(metrics: str) -> Path:
        (tmp_path / "nginx.conf").write_text(
            f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ include {tmp_path}/u*; }}"
        )
        path = tmp_path / "canary.yaml"
        path.write_text(
            CONFIG.format(port=echo, folder=tmp_path, nginx=nginx_binary, metrics=metrics)
        )
        return path

    return write


def run(
    config: Path, *words: str, code: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the program; ``code`` comes before it, to break what does not break by itself."""
    program = f"{textwrap.dedent(code)}\nfrom canaryctl.__main__ import main; main()"
    own = {"CANARYCTL_STATE_DIR": str(config.parent / "state"), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-c", program, "--config", str(config), *words],
        env={**os.environ, **own, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def spoken(ended: subprocess.CompletedProcess[str], config: Path) -> str:
    """Give all that a run has left behind."""
    state = config.parent / "state"
    kept = [path.read_bytes().decode(errors="replace") for path in state.glob("*")]
    return "\n".join([ended.stdout, ended.stderr, *kept])


@pytest.mark.parametrize(
    ("metrics", "seen"),
    [
        ("{{provider: prometheus, url: 'http://ops:{0}@127.0.0.1:1'}}", "does not answer"),
        ("{{provider: prometheus, url: 'http://127.0.0.1:{1}/', bearer_token: '{0}'}}", "401"),
        ("{{provider: prometheus, url: 'http://ops:{0}@127.0.0.1:{1}/?key={0}'}}", "401"),
        (
            "{{provider: prometheus, url: 'http://127.0.0.1:{1}', headers: {{X-Key: '{0}'}}}}",
            "401",
        ),
        (SCRAPE, "401"),
    ],
)
@pytest.mark.parametrize("output", ["text", "json"])
def test_a_source_that_refuses(
    configured: Callable[[str], Path], echo: int, metrics: str, seen: str, output: str
) -> None:
    config = configured(metrics.format("${X_GIVEN}", echo))
    ended = run(config, "rollout", "--version", "v2", "-o", output, X_GIVEN=TOKEN)
    assert ended.returncode == 4, ended.stderr
    said = spoken(ended, config)
    assert seen in said
    assert TOKEN not in said
    assert list((config.parent / "state").glob("journal.db"))


def test_an_unforeseen_error_has_no_secret_and_an_exit_code_of_its_own(
    configured: Callable[[str], Path],
) -> None:
    config = configured(f"{{provider: prometheus, bearer_token: {SECRET}}}")
    code = f"""
        import canaryctl.cli.config_text as module
        def broken(config):
            password = {SECRET!r}
            try:
                raise ValueError("inner " + password)
            except ValueError as error:
                raise RuntimeError("http://ops:pw-of-ops@host/ and " + ascii(password)) from error
        module.shown = broken
    """
    ended = run(config, "config", "check", "-o", "json", code=code)
    assert ended.returncode == 3
    assert "Traceback" in ended.stderr
    assert "ValueError: inner ***" in ended.stderr
    last = json.loads(ended.stdout.splitlines()[-1])
    assert last["event"] == "error"
    assert last["message"] == "unforeseen: RuntimeError: http://ops:***@host/ and '***'"
    for secret in (SECRET, ascii(SECRET)[1:-1], "pw-of-ops"):
        assert secret not in ended.stdout + ended.stderr


def test_a_thread_that_dies_and_a_log_line_have_none(configured: Callable[[str], Path]) -> None:
    config = configured(f"{{provider: prometheus, bearer_token: {SECRET}}}")
    code = f"""
        import logging, sys, threading
        import canaryctl.cli.config_text as module
        real = module.shown
        def noisy(config):
            def dies():
                raise RuntimeError("thread " + {SECRET!r})
            thread = threading.Thread(target=dies)
            thread.start(); thread.join()
            try:
                raise ValueError("logged " + {SECRET!r})
            except ValueError:
                logging.getLogger("x").warning("warned %s", {SECRET!r}, exc_info=True)
            print("printed", {SECRET!r})
            return real(config)
        module.shown = noisy
    """
    for encoding in ("utf-8", "ascii"):  # for ASCII click wraps the streams anew
        ended = run(config, "config", "check", "-o", "json", code=code, PYTHONIOENCODING=encoding)
        assert ended.returncode == 0, ended.stderr
        for said in ("thread ***", "logged ***", "warned ***"):
            assert said in ended.stderr
        assert "printed ***" in ended.stdout
        assert "hunter2" not in ended.stdout + ended.stderr


def test_a_crash_in_a_rollout_leaves_none_in_journal_stream_or_export(
    configured: Callable[[str], Path],
) -> None:
    config = configured(f"{{provider: prometheus, bearer_token: {SECRET}}}")
    code = f"""
        from canaryctl.preflight import Preflight
        def broken(self):
            raise RuntimeError("leaked " + {SECRET!r})
        Preflight.__call__ = broken
    """
    ended = run(config, "rollout", "--version", "v2", "-o", "json", code=code)
    assert "RuntimeError: leaked ***" in ended.stdout
    said = spoken(ended, config)
    assert "hunter2" not in said
    with sqlite3.connect(config.parent / "state" / "journal.db") as journal:
        rows = journal.execute("SELECT payload FROM events").fetchall()
    journal.close()
    payloads = [json.loads(row[0]) for row in rows]
    assert any("leaked ***" in json.dumps(one) for one in payloads)
