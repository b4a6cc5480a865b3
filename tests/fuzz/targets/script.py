"""Steps in a container become one script: values are never code, whatever they are."""

# ruff: noqa: PT017  an error is one of two good ends, and held to what it promises

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from random import Random

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_script import NginxCommand, compile_steps, completed
from canaryctl.ports import Absent, Expect, Remove, Run, Step, Swap, Write
from tests.fuzz import dice as a
from tests.fuzz.target import Target

_HARMLESS = "x"
_PARAMETER = re.compile(r'"\$\{\d+\}"')


def compiled(dice: Random) -> None:
    """The program's text is made of fixed words; no value is in it."""
    nginx = NginxCommand(a.text(dice), a.text(dice), None, (a.text(dice),))
    steps = [_step(dice, a.text) for _ in range(dice.randint(1, 6))]
    try:
        script = compile_steps(steps, nginx)
    except HostError as error:
        assert "NUL" in str(error)
        return
    fixed = [_step_like(one) for one in steps]
    plain = compile_steps(fixed, NginxCommand("n", "p", None, ("m",)))
    assert _PARAMETER.sub("?", script.text) == _PARAMETER.sub("?", plain.text)


def _step(dice: Random, text: object) -> Step:
    assert callable(text)
    match dice.randrange(6):
        case 0:
            return Write(text(dice), text(dice))
        case 1:
            return Expect(text(dice), text(dice))
        case 2:
            return Swap(text(dice), text(dice))
        case 3:
            return Remove(text(dice))
        case 4:
            return Absent(text(dice))
    return Run((text(dice), text(dice)))


def _step_like(step: Step) -> Step:
    match step:
        case Write():
            return Write(_HARMLESS, _HARMLESS)
        case Expect():
            return Expect(_HARMLESS, _HARMLESS)
        case Swap():
            return Swap(_HARMLESS, _HARMLESS)
        case Remove():
            return Remove(_HARMLESS)
        case Absent():
            return Absent(_HARMLESS)
    return Run((_HARMLESS, _HARMLESS))


def run(dice: Random) -> None:
    """A real ``sh`` writes what it was given, byte for byte, where it was told, and no more."""
    content = a.text(dice, 12).replace("\0", "")
    if dice.random() < 0.05:
        content = content * 40_000
    name, live = _file(dice), "live"
    if name == "-":
        return  # standard input to `cat`, and no path: those at a gateway are absolute
    with tempfile.TemporaryDirectory(prefix="canaryctl-fuzz-") as folder:
        canary = Path(folder) / "untouched"
        canary.write_text("as it was")
        steps: list[Step] = [Write(name, content), Expect(name, content), Swap(name, live)]
        steps += [Expect(live, content), Absent(name), Run((content[:50],)), Remove(name)]
        try:
            raw = content.encode()
            script = compile_steps(steps, NginxCommand("true"))
        except (HostError, UnicodeEncodeError):
            return
        ended = subprocess.run(
            script.command,
            cwd=folder,
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
        assert completed(ended.returncode, steps) == len(steps), (ended, name)
        assert sorted(os.listdir(folder)) == ["live", "untouched"]  # noqa: PTH208  names only
        assert (Path(folder) / live).read_bytes() == raw
        assert canary.read_text() == "as it was"


def _file(dice: Random) -> str:
    """Give a file's name in this folder, as odd as a name can be."""
    name = a.text(dice, 4).replace("/", "").replace("\0", "")
    name = name.encode(errors="replace")[:80].decode(errors="ignore")
    return name if name not in ("", ".", "..", "live", "untouched") else "-n"


TARGETS = (
    Target("script", compiled, share=3),
    Target("script in sh", run, share=0, most=1_000),
)
