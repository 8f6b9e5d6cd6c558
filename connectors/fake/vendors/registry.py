"""Which vendors the fake provider speaks like. Adding one is one line here."""

from __future__ import annotations

from connectors.fake.vendors import fcm, mailgun, megafon, mts, sendgrid, ses, sms_ru, smsc, twilio, web_push

VENDORS = (
    fcm.add_to,
    mailgun.add_to,
    megafon.add_to,
    mts.add_to,
    sendgrid.add_to,
    ses.add_to,
    sms_ru.add_to,
    smsc.add_to,
    twilio.add_to,
    web_push.add_to,
)
