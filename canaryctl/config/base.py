"""What all parts of canary.yaml share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """No unknown keys, no changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
