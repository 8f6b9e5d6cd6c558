"""Which vendors the fake provider speaks like. Adding one is one line here."""

from __future__ import annotations

from connectors.fake.vendors import fcm, web_push

VENDORS = (
    fcm.add_to,
    web_push.add_to,
)
