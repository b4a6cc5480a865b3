"""All parts of the chaos tests, at full size: ``python -m tests.chaos [PART...] [FLAG...]``.

A part is a file beside this one that has a ``main(argv) -> int`` and may be run alone:
``python -m tests.chaos.PART --help``. Ends with 1 when a part has failed.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

_HERE = Path(__file__).parent
_FIRST = ("matrix", "matrix_docker", "kills", "machine", "two_machines", "sleeper")
"""In this order; the others follow by name."""


def parts() -> list[str]:
    """Find the parts that there are."""
    found = {
        path.stem
        for path in _HERE.glob("*.py")
        if path.stem != "__main__" and "\ndef main(argv" in path.read_text(encoding="utf-8")
    }
    return [*(part for part in _FIRST if part in found), *sorted(found - set(_FIRST))]


def main(argv: list[str]) -> int:
    """Run them one after the other, and tell how each ended. Flags go to each of them."""
    there = parts()
    first = next((n for n, word in enumerate(argv) if word.startswith("-")), len(argv))
    argv, flags = argv[:first], argv[first:]
    unknown = sorted(set(argv) - set(there))
    if unknown:
        sys.stderr.write(f"no such part: {', '.join(unknown)}; there are {', '.join(there)}\n")
        return 2
    ended: list[str] = []
    failed = False
    for part in argv or there:
        sys.stdout.write(f"\n== {part}\n")
        sys.stdout.flush()
        began = time.monotonic()
        code = int(importlib.import_module(f"tests.chaos.{part}").main(flags))
        failed |= code != 0
        said = "ok" if code == 0 else f"FAILED ({code})"
        ended.append(f"{part:10} {said:12} {time.monotonic() - began:7.0f} s")
    sys.stdout.write("\n" + "\n".join(ended) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
