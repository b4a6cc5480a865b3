"""Some cells of the fault matrix; all of them: ``make chaos CHAOS=matrix``."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos import matrix
from tests.chaos.faults.base import PHASES
from tests.chaos.faults.docker import FAULTS as DOCKER
from tests.chaos.faults.every import FAULTS
from tests.chaos.matrix_cell import Result
from tests.chaos.matrix_table import table

_ROOT = Path(__file__).parents[2]


def test_every_fault_of_the_matrix_meets_every_phase() -> None:
    cells = Counter(phase for fault in FAULTS for phase in fault.phases)
    assert sum(cells.values()) >= 300
    assert set(cells) == set(PHASES)
    names = [fault.name for fault in (*FAULTS, *DOCKER)]
    assert len(set(names)) == len(names)
    there = {f"{fault.name} @ {phase}" for fault in FAULTS for phase in fault.phases}
    assert set(matrix.QUICK) <= there


def test_a_cell_that_failed_stands_in_the_table_as_failed() -> None:
    good = Result("nginx killed", "taking", 4, 0.25)
    bad = Result("nginx killed", "waiting", 1, 0.5, "5 % is in force")
    said = table([good, bad], 3.0)
    assert "FAIL" in said
    assert "FAILED nginx killed, waiting: 5 % is in force" in said
    assert "2 cells, 1 failed" in said
    assert "worst 0.25" in said


@pytest.mark.alone
@pytest.mark.slow
def test_some_cells_end_safely() -> None:
    argv = [sys.executable, "-m", "tests.chaos.matrix", "--quick", "--jobs", "4"]
    ended = subprocess.run(
        argv, cwd=_ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = re.search(r"(\d+) cells, 0 failed", ended.stdout)
    assert found is not None, ended.stdout
    mounted = {fault.name for fault in FAULTS if fault.mounts}
    without = "no mounts may be made here" in ended.stdout
    left_out = sum(cell.partition(" @ ")[0] in mounted for cell in matrix.QUICK) * without
    assert int(found.group(1)) == len(matrix.QUICK) - left_out
