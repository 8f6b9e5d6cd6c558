"""All sections, in the order in which they are measured and shown."""

from __future__ import annotations

from bench.contest import ENGINES, HOP
from bench.memory import MEMORY
from bench.restore import RESTORE
from bench.sections import Section
from bench.stages import PIPELINE, STAGES
from bench.takeover import TAKEOVER
from bench.trickle import TRICKLE

SECTIONS: tuple[Section, ...] = (ENGINES, HOP, TRICKLE, RESTORE, TAKEOVER, MEMORY, STAGES, PIPELINE)
