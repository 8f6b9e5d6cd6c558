"""Which kinds of providers exist. Adding one is one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.providers.apns import Apns
from connectors.providers.fake_http import FakePush, FakeSms
from connectors.providers.fcm import Fcm
from connectors.providers.mailgun import Mailgun
from connectors.providers.megafon import Megafon
from connectors.providers.mts import Mts
from connectors.providers.port import ProviderConfigError
from connectors.providers.postbox import Postbox
from connectors.providers.receipts.registry import WEBHOOK_KEY
from connectors.providers.sendgrid import SendGrid
from connectors.providers.ses import Ses
from connectors.providers.sms_ru import SmsRu
from connectors.providers.smsc import Smsc
from connectors.providers.smtp import Smtp
from connectors.providers.twilio import Twilio
from connectors.providers.web_push import WebPush
from schemas.punctuality import WITHIN
from schemas.rates import PERIOD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.providers.port import Carrier
    from schemas.records import Provider

    Kind = Callable[[str, Mapping[str, Any], Callable[[], int]], Carrier]

KINDS: dict[str, Kind] = {
    "apns": Apns,
    "fake_push": FakePush,
    "fake_sms": FakeSms,
    "fcm": Fcm,
    "mailgun": Mailgun,
    "megafon": Megafon,
    "mts": Mts,
    "postbox": Postbox,
    "sendgrid": SendGrid,
    "ses": Ses,
    "sms_ru": SmsRu,
    "smsc": Smsc,
    "smtp": Smtp,
    "twilio": Twilio,
    "web_push": WebPush,
}


def carrier_of(
    provider: Provider, defaults: Mapping[str, Mapping[str, Any]], now_ms: Callable[[], int]
) -> Carrier:
    """Build the carrier of one configured provider; the key of its webhook is none of the carrier's business.

    `defaults`: kind → fields from the installation's settings (addresses of servers, credentials), under the
    provider's own. Raise `ProviderConfigError` for an unknown kind or an unusable config.
    """
    kind = KINDS.get(provider.kind)
    if kind is None:
        raise ProviderConfigError(f"kind {provider.kind!r} is none of {', '.join(sorted(KINDS))}")
    outside = (WEBHOOK_KEY, PERIOD, WITHIN)  # kept for webhooks, for `rate_limit` and for weights
    config = {name: value for name, value in provider.config.items() if name not in outside}
    return kind(provider.name, {**defaults.get(provider.kind, {}), **config}, now_ms)
