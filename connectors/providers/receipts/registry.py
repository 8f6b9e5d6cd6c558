"""Which kinds of providers report in a way of their own. Adding one is one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.providers.receipts.mailgun import MailgunWebhook
from connectors.providers.receipts.sendgrid import SendGridWebhook
from connectors.providers.receipts.standard import StandardWebhook
from connectors.providers.receipts.twilio import TwilioWebhook

if TYPE_CHECKING:
    from connectors.providers.receipts.port import Webhook

WEBHOOK_KEY = "webhook_key"
"""Field of any provider's config: what its webhook is verified by. Without it there is no webhook."""
STATUS_URL = "status_url"
"""Field of the config of vendors that are told with each message where to report."""
STANDARD = StandardWebhook()
WEBHOOKS: dict[str, Webhook] = {
    "mailgun": MailgunWebhook(),
    "sendgrid": SendGridWebhook(),
    "twilio": TwilioWebhook(),
}


def webhook_of(kind: str) -> Webhook:
    """How providers of this kind report: in their own way, or in ours."""
    return WEBHOOKS.get(kind, STANDARD)
