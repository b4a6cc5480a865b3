"""What stands in a recording, said in a message that stays short."""

from __future__ import annotations

import json

import pytest

from canaryctl.core.recording import UnreadableRecording
from canaryctl.core.recording_fields import number


@pytest.mark.parametrize("depth", [10, 900, 960, 980])
def test_a_value_that_is_nested_without_end_is_told(depth: int) -> None:
    value = json.loads("[" * 10 + "]" * 10)
    for _ in range(depth * 2):
        value = [value]
    with pytest.raises(UnreadableRecording, match="expected a number, not") as caught:
        number(value, "at")
    assert len(str(caught.value)) < 120
