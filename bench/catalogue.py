"""All sections, in the order in which they are measured and shown."""

from __future__ import annotations

from bench.contest import ENGINES, HOP
from bench.memory import MEMORY
from bench.priority import PRIORITY
from bench.restore import RESTORE
from bench.sections import Section
from bench.seen import SEEN
from bench.sending import SENDING
from bench.stages import PIPELINE, STAGES
from bench.takeover import TAKEOVER
from bench.trickle import TRICKLE
from bench.why import WHY

OF_THE_ENGINE = (ENGINES, HOP, TRICKLE, RESTORE, TAKEOVER, MEMORY)
OF_THE_PIPELINE = (STAGES, PIPELINE, PRIORITY, SEEN, SENDING, WHY)
SECTIONS: tuple[Section, ...] = (*OF_THE_ENGINE, *OF_THE_PIPELINE)
