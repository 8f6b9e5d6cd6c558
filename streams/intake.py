"""The intake's stages: what they read and write. A part of `streams/topology.py`, whose picture it is in.

Two read `notification.send.request`. A log has one order, and a request of high priority may lie behind a
million others that came at once: `intake-high` passes over those, which takes microseconds each, and the
other one passes over what is not its own. Whose a record is, its bytes say (`schemas.inputs.overtakes`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agents.intake import intake
from connectors.providers.receipts.reading import ReceiptReader
from schemas import records as r
from schemas import topics as t
from schemas.codec import Decoder
from schemas.inputs import decoder_of, overtakes
from schemas.receipts import ReceiptsLeft
from streams.engine.api import Input, Stage, ToCount
from streams.routes import message_key, message_place
from streams.wiring import to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streams.settings import Settings
    from streams.topology import Outside

INTAKE, EXPRESS = "intake", "intake-high"
TAKEN = (t.SEND_REQUEST, t.CANCEL_REQUEST, t.PREFERENCE_CHANGES)
"""What it reads beside domain events and receipts."""


def intake_stages(settings: Settings, outside: Outside, events: Iterable[str]) -> tuple[Stage, Stage]:
    """All that is foreign (agents/intake.py). Receipts go last: nobody waits for them, and there are many.

    Of requests the first stage has those that are not high, and most bulk is among them: not urgent.
    """

    def decoder(topic: str) -> Callable[[bytes], object]:
        return outside.reading.of(decoder_of(topic, outside.book, outside.ignored_fields(topic)))

    figures, read = outside.receipt_figures, decoder(t.SEND_REQUEST)
    others = (topic for topic in (*TAKEN, *events) if topic != t.SEND_REQUEST)
    usual = Stage(
        name=INTAKE,
        heir=EXPRESS,
        inputs=(
            *(Input(topic, decoder(topic), urgent=True) for topic in others),
            Input(t.SEND_REQUEST, read, passes=overtakes, min_interval_ms=settings.engine.interval_normal_ms),
            Input(t.RECEIPTS, _receipts(outside), lane=1),
        ),
        agent=lambda stream, _tables: intake(stream, outside.reference, outside.cipher),
        routes={
            r.RequestReceived: (
                to(lambda request: t.request_topic(request.lane)),
                ToCount(outside.count_flow),
            ),
            r.CancelAsked: (to(t.CANCELS),),
            r.ContactChanged: (to(t.CONTACTS),),
            r.PreferenceChanged: (to(t.PREFERENCES),),
            r.DeviceChanged: (to(t.DEVICES),),
            r.RequestDecided: (to(t.OUTCOMES),),
            r.ReceiptHeard: (to(t.OUTCOMES, key=message_key, spread=message_place), ToCount(figures.heard)),
            r.ReceiptsAsked: (to(t.OUTCOMES),),
            ReceiptsLeft: (ToCount(figures.left),),
        },
        co_partitioned=False,
        min_interval_ms=settings.engine.interval_high_ms,
        max_batch=settings.engine.max_batch,
    )
    express = Input(t.SEND_REQUEST, read, urgent=True, passes=lambda raw: not overtakes(raw))
    return usual, replace(usual, name=EXPRESS, inputs=(express,), heir="", heir_of=INTAKE)


def _receipts(outside: Outside) -> Callable[[bytes], object]:
    read = Decoder(r.ReceiptPosted, r.ReceiptsAsked, book=outside.book)
    return outside.reading.of(ReceiptReader(read, outside.cipher))
