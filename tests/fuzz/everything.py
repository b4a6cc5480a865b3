"""Everything that is fuzzed. A new target is a file in ``targets``, and a line below."""

from tests.fuzz.targets import (
    answers,
    config,
    control,
    header,
    journal,
    nginx,
    pages,
    promql,
    recording,
    release_files,
    script,
    smoke,
)

TARGETS = (
    *config.TARGETS,
    *nginx.TARGETS,
    *header.TARGETS,
    *promql.TARGETS,
    *answers.TARGETS,
    *pages.TARGETS,
    *control.TARGETS,
    *script.TARGETS,
    *journal.TARGETS,
    *recording.TARGETS,
    *smoke.TARGETS,
    *release_files.TARGETS,
)
