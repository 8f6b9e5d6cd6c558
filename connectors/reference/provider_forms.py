"""What the entry of a provider must be beyond its types, in the part of its `config` that is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.providers.dkim import key_faults
from connectors.providers.receipts.keys import address_wanted, key_wanted
from connectors.providers.receipts.registry import STATUS_URL, WEBHOOK_KEY
from schemas.punctuality import LONGEST_S, WITHIN, within_ms
from schemas.rates import PERIOD, PERIODS_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.records import Provider

SIGNING, DKIM = "smtp", "dkim"
"""The kind of provider whose mails we sign, and the key of its config that says how."""


def provider_checks(provider: Provider) -> Iterator[str]:
    """Faults."""
    given = provider.config.get(PERIOD, "second")
    if given not in PERIODS_MS:
        yield f"`config.{PERIOD}`: {given!r} is none of {', '.join(PERIODS_MS)}"
    if WITHIN in provider.config and within_ms(provider) is None:
        yield f"`config.{WITHIN}`: must be a number of seconds from 1 to {LONGEST_S}"
    if provider.kind == SIGNING and DKIM in provider.config:
        for where, what in key_faults(provider.config[DKIM], provider.config.get("from_address")):
            yield f"`config.{where}`: {what}"


def provider_remarks(provider: Provider) -> Iterator[str]:
    """No faults: the provider goes on sending, whatever becomes of its reports."""
    yield from _webhook(provider)
    if within_ms(provider) is None:
        return
    if provider.weight is None:
        yield f"`config.{WITHIN}`: changes nothing without a `weight`"
    if not provider.config.get(WEBHOOK_KEY):
        yield f"`config.{WITHIN}`: without `webhook_key` only what your clients report counts"


def _webhook(provider: Provider) -> Iterator[str]:
    given = provider.config.get(WEBHOOK_KEY)
    if given is None:
        return
    if wanted := key_wanted(provider.kind, given):
        yield f"`config.{WEBHOOK_KEY}`: should be {wanted}; with this one every report is turned away"
    elif wanted := address_wanted(provider.kind, given, provider.config.get(STATUS_URL)):
        yield f"`config.{STATUS_URL}`: should be {wanted}; with this one every report is turned away"
