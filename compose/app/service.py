#!/usr/bin/env python3
"""A small service with the API of a real one, to roll out and to break.

    python service.py --port 8000 --admin-port 8100 --version production --release v0.1.0

The service answers on ``--port``; ``--admin-port`` takes ``GET``, ``POST`` and ``DELETE
/faults`` (see ``faults.py``) and lives on while the service's own port is closed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from dataclasses import asdict

from admin import Admin
from api import Identity, Service
from listener import Listener

QUIET_S = 0.25
"""Without a request for so long after SIGTERM, nobody sends any more."""
LINGER_S = 5.0
"""New requests are answered for so long after SIGTERM at most."""
FINISH_WITHIN_S = 25.0
"""What is under way then is cut; shorter than Docker's patience (stop_grace_period)."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The service that canaryctl's demo rolls out.")
    env = os.environ.get
    parser.add_argument("--host", default=env("APP_HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=env("APP_PORT", "8000"), help="0: a free one")
    parser.add_argument(
        "--admin-port",
        type=int,
        default=env("APP_ADMIN_PORT") or None,
        help="left out, or empty in the environment: no switches",
    )
    parser.add_argument(
        "--version",
        choices=("production", "canary"),
        default=env("APP_VERSION", "production"),
        help="the label in the metrics",
    )
    parser.add_argument("--release", default=env("APP_RELEASE", "v0.1.0"))
    parser.add_argument("--seed", type=int, default=None, help="makes noise and ids repeatable")
    return parser.parse_args()


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    arguments = _arguments()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    service = Service(Identity(arguments.version, arguments.release), arguments.seed)
    public = Listener(arguments.host, arguments.port, service.respond)
    public.up()
    ports = {"port": public.port}
    admin: Listener | None = None
    if arguments.admin_port is not None:
        admin = Listener(arguments.host, arguments.admin_port, Admin(service, public).respond)
        admin.up()
        ports["admin_port"] = admin.port
    sys.stdout.write(json.dumps({"event": "listening", **asdict(service.identity), **ports}) + "\n")
    sys.stdout.flush()
    stop.wait()
    public.finish(QUIET_S, LINGER_S, FINISH_WITHIN_S)
    if admin is not None:
        admin.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
