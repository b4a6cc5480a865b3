"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

Stages = Annotated[str | None, typer.Option(help="The canary's percentages, rising: 1,5,25,100.")]
ObservationPeriod = Annotated[
    str | None, typer.Option(help="How long each stage is observed: 900, 15m.")
]
Interval = Annotated[str | None, typer.Option(help="Between two evaluations of the gates: 10s.")]
