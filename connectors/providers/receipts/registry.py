"""Which kinds of providers report in a way of their own. Adding one is one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.providers.receipts.mailgun import MailgunWebhook
from connectors.providers.receipts.megafon import MegafonWebhook
from connectors.providers.receipts.mts import MtsWebhook
from connectors.providers.receipts.postbox import PostboxWebhook
from connectors.providers.receipts.sendgrid import SendGridWebhook
from connectors.providers.receipts.ses import SesWebhook
from connectors.providers.receipts.sms_ru import ANSWER as SMS_RU_ANSWER
from connectors.providers.receipts.sms_ru import SmsRuWebhook
from connectors.providers.receipts.smsc import SmscWebhook
from connectors.providers.receipts.standard import StandardWebhook
from connectors.providers.receipts.twilio import TwilioWebhook

if TYPE_CHECKING:
    from connectors.providers.receipts.port import CertifiedWebhook, Webhook

WEBHOOK_KEY = "webhook_key"
"""Field of any provider's config: what its webhook is verified by. Without it there is no webhook."""
STATUS_URL = "status_url"
"""Field of the config of vendors that are told with each message where to report."""
STANDARD = StandardWebhook()
WEBHOOKS: dict[str, Webhook] = {
    "mailgun": MailgunWebhook(),
    "megafon": MegafonWebhook(),
    "mts": MtsWebhook(),
    "postbox": PostboxWebhook(),
    "sendgrid": SendGridWebhook(),
    "ses": SesWebhook(),
    "sms_ru": SmsRuWebhook(),
    "smsc": SmscWebhook(),
    "twilio": TwilioWebhook(),
}
CERTIFIED: dict[str, CertifiedWebhook] = {"ses": SesWebhook()}
"""Those among them whose posts are signed with a certificate."""
ANSWERS: dict[str, str] = {"sms_ru": SMS_RU_ANSWER}
"""What a vendor must be told, where it is not enough that the status is 200."""

FEW_BYTES, MORE_BYTES = 64 * 1024, 300 * 1024
LARGEST: dict[str, int] = {
    "mailgun": MORE_BYTES,
    "megafon": FEW_BYTES,
    "mts": FEW_BYTES,
    "ses": MORE_BYTES,
    "sms_ru": FEW_BYTES,
    "smsc": FEW_BYTES,
    "twilio": FEW_BYTES,
}
"""The longest body (bytes) of vendors who tell little in a post; SNS has up to 256 KiB in a message."""


def webhook_of(kind: str) -> Webhook:
    """How providers of this kind report: in their own way, or in ours."""
    return WEBHOOKS.get(kind, STANDARD)
