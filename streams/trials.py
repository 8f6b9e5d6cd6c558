"""A trial: one message of a template to one address, through the channel like any other.

It skips what is about users: choice of channels, preferences, caps. So it has a notification type of its own,
is never repeated by itself, and ends after ten minutes.
"""

from __future__ import annotations

import msgspec
from aiokafka.errors import KafkaError

from agents.conceal import veiled
from connectors.addresses import AddressBook
from connectors.cipher import Cipher
from connectors.clock import now_ms
from connectors.http.ports import BrokerUnavailableError, Trial
from connectors.kafka_clients import writing
from schemas.codec import encode
from schemas.ids import derived, message_named, subject_key
from schemas.records import MessageQueued, SendTask
from schemas.topics import OUTCOMES, channel_topic
from schemas.words import Lane, UnknownPolicy
from streams.outside import cipher_of
from streams.settings import Settings

TYPE = "template_trial"
SOURCE = "carillon-http"
LASTS_MS = 600_000
MASK = "***"


class Trials:
    """Queues trials. Fulfils `connectors.http.ports.SendTrial`."""

    def __init__(self, settings: Settings) -> None:
        self._brokers = settings.kafka.brokers()
        self._cipher = cipher_of(settings)
        self._addresses = AddressBook()

    async def __call__(self, trial: Trial) -> str | None:
        """The message's id once all in-sync replicas have it; None when the address does not fit."""
        address = self._addresses.normal(trial.template.channel_type, trial.recipient)
        if address is None:
            return None
        queued, task = trial_records(trial, address, self._cipher, now_ms())
        topic, key = channel_topic(task.channel, task.lane), subject_key(task.user_id)
        try:
            # One after the other: whatever is sent has a row, and a row that nothing follows says `pending`.
            for name, record in ((OUTCOMES, queued), (topic, task)):
                async with writing(self._brokers) as write:
                    await write(name, encode(record), key=key)
        except KafkaError as error:
            raise BrokerUnavailableError(repr(error)) from error
        return queued.message_id


def trial_records(trial: Trial, address: str, cipher: Cipher, now: int) -> tuple[MessageQueued, SendTask]:
    """What the status stage and the channel get. A repeat of the same request has the same ids."""
    template = trial.template
    secret = {name for name, form in template.variables.items() if form.get("secret")}
    shown = {name: MASK if name in secret else value for name, value in trial.data.items()}
    request_id = derived("trial", trial.author, trial.request_key)
    user_id = derived("trial user", trial.author)
    queued = MessageQueued(
        message_id=message_named(user_id, "trial", request_id),
        request_id=request_id,
        user_id=user_id,
        channel=template.channel_type,
        lane=Lane.NORMAL,
        notification_type=TYPE,
        category=template.category,
        source=SOURCE,
        idempotency_key=request_id,
        recipient=cipher.seal(address.encode()),
        payload=veiled(msgspec.json.encode(shown), cipher),
        created_at=now,
        expires_at=now + LASTS_MS,
        language=template.language_code,
        template=template.name,
        template_version=template.version,
        segments=trial.content.segments,
        is_test=True,
    )
    shared = set(MessageQueued.__struct_fields__) & set(SendTask.__struct_fields__)
    task = SendTask(
        **{name: getattr(queued, name) for name in shared},
        address=queued.recipient,
        content=cipher.seal(msgspec.json.encode(trial.content)),
        unknown_policy=UnknownPolicy.HOLD,
        max_attempts=1,
    )
    return queued, task
