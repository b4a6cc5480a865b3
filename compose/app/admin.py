# ruff: noqa: INP001 - a folder of one program, not a package
"""The switches for faults, on a port of their own."""

from __future__ import annotations

import threading
from dataclasses import asdict

from api import Service
from faults import Faults
from listener import Answer, Listener, json_answer, json_object


class Admin:
    """``GET``, ``POST`` and ``DELETE /faults``."""

    def __init__(self, service: Service, listener: Listener) -> None:
        self._service = service
        self._listener = listener
        self._change = threading.Lock()

    def respond(self, method: str, path: str, body: bytes) -> Answer:
        """Answer one request to the admin port."""
        if path != "/faults":
            return json_answer(404, error=f"there is no {path}, only /faults")
        try:
            with self._change:
                if method == "POST":
                    self._apply(self._service.faults.changed(json_object(body)))
                elif method == "DELETE":
                    self._apply(Faults())
                elif method != "GET":
                    return json_answer(
                        405, error=f"/faults takes GET, POST and DELETE, not {method}"
                    )
                return json_answer(200, **asdict(self._service.faults))
        except ValueError as error:
            return json_answer(400, error=str(error))
        except OSError as error:
            return json_answer(500, error=f"cannot listen on port {self._listener.port}: {error}")

    def _apply(self, faults: Faults) -> None:
        if faults.down:
            self._listener.down()
        else:
            self._listener.up()
        self._service.faults = faults
