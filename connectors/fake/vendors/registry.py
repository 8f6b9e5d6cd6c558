"""Which vendors the fake provider speaks like. Adding one is one line here."""

from __future__ import annotations

from connectors.fake.vendors import sendgrid, ses

VENDORS = (
    sendgrid.add_to,
    ses.add_to,
)
