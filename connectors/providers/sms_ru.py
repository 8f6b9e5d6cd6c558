"""Text messages through SMS.ru: its HTTP API, `sms/send` with answers in JSON (NS-CH-040).

From sms.ru's public pages `api/send` and `api/status`; codes also from public clients (XpycTee/smsru_api,
zelenin/sms_ru). Never run against SMS.ru.
Unconfirmed: whether an answer 500 ("repeat the request") can come after a text was taken; it is hidden here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.providers.http_status import (
    ACCEPTED,
    HIDDEN,
    LIMITED,
    LIMITED_FOR_ONE,
    MISCONFIGURED,
    NOT_SERVED,
    REFUSED,
    UNAVAILABLE,
    Said,
)
from connectors.providers.port import Answer, configured, identifier
from connectors.providers.texting import (
    FORM,
    LIMITED_TODAY,
    NO_PHONE,
    Posted,
    TextCarrier,
    TextConfig,
    by_status,
    form,
    word,
)
from schemas.words import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.providers.http_call import Reply
    from schemas.records import Content

# `status_code` of the phone in an answer, else of the whole answer → ours. HTTP says 200 to everything.
CODES: dict[str, Said] = {
    "100": ACCEPTED,
    "150": REFUSED,  # no way to the phone
    "200": MISCONFIGURED,  # api_id
    "201": MISCONFIGURED,  # no money
    "202": NO_PHONE,
    "203": REFUSED,  # no text
    "204": MISCONFIGURED,  # the sender is not approved
    "205": REFUSED,  # more than eight parts
    "206": LIMITED,  # the account's day
    "207": REFUSED,  # nothing may be sent to this phone
    "208": REFUSED,  # a time, and we send none
    "209": REFUSED,  # the phone is on our stop list
    "210": MISCONFIGURED,  # GET instead of POST
    "211": MISCONFIGURED,  # no such method
    "212": REFUSED,  # not UTF-8
    "213": REFUSED,  # too many phones
    "214": NOT_SERVED,  # abroad, and the account is limited to Russia
    "215": REFUSED,  # the phone's owner complained of spam
    "216": REFUSED,  # a forbidden word
    "217": REFUSED,  # words that advertising of loans needs
    "220": UNAVAILABLE,
    "221": MISCONFIGURED,  # no sender of our own
    "230": LIMITED_TODAY,
    "231": LIMITED_FOR_ONE,  # the same text to this phone, within a minute
    "232": LIMITED_TODAY,
    "233": LIMITED_FOR_ONE,  # codes to this phone in too short a time
    "300": MISCONFIGURED,
    "301": MISCONFIGURED,
    "302": MISCONFIGURED,
    "500": HIDDEN,
    "501": LIMITED,
    "502": LIMITED,
    "503": LIMITED,  # texts to this country
    "504": LIMITED,
    "505": LIMITED,
    "506": LIMITED,
    "550": NOT_SERVED,  # the country is blocked in the account
}

LIMIT_LASTS_MS: dict[str, int] = {"231": 60_000, "233": 60_000}


class SmsRuConfig(TextConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose account (`api_id`, a secret), and the approved name of the sender. Times in ms."""

    api_id: str
    sender: str | None = None
    url: str = "https://sms.ru"


class SmsRu(TextCarrier):
    """Carrier. SMS.ru takes no idempotency key and no id of ours; its own `sms_id` alone finds a text."""

    def __init__(self, _name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self._config = configured(config, SmsRuConfig)
        super().__init__(self._config, {}, now_ms)
        self.secrets = (self._config.api_id,)

    def _posted(self, address: str, content: Content, idempotency_key: str) -> Posted:  # noqa: ARG002
        fields = {
            "api_id": self._config.api_id,
            "to": address.removeprefix("+"),
            "msg": content.body,
            "from": self._config.sender,
            "json": "1",
        }
        return Posted("/sms/send", form(fields), FORM)

    def _read(self, reply: Reply, address: str) -> Answer:
        about = _of_the_phone(reply.body)
        code, sms_id = word(about.get("status_code")), identifier(about.get("sms_id"))
        verdict, reason = CODES.get(code) or by_status(reply)
        if verdict is Verdict.ACCEPTED and sms_id is None:
            verdict, reason = HIDDEN  # the request was read well, and of the phone nothing is said
        return Answer(
            verdict,
            reason,
            self._told(reply, code, about.get("status_text"), address),
            sms_id,
            LIMIT_LASTS_MS.get(code, self._wait_ms(reply)),
        )


def _of_the_phone(body: dict[str, Any]) -> dict[str, Any]:
    """What is said of our one phone; a refusal of the whole request names none."""
    phones = body.get("sms")
    about = next(iter(phones.values()), None) if isinstance(phones, dict) else None
    return about if isinstance(about, dict) else body
