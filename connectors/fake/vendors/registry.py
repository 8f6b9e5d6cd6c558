"""Which vendors the fake provider speaks like. Adding one is one line here."""

from __future__ import annotations

from connectors.fake.vendors import mailgun, sendgrid, ses

VENDORS = (
    mailgun.add_to,
    sendgrid.add_to,
    ses.add_to,
)
