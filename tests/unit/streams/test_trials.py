"""What a trial puts into the pipeline."""

from __future__ import annotations

import msgspec

from connectors.cipher import Cipher
from connectors.http.ports import Trial
from schemas.ids import subject_key
from schemas.records import Content, Template
from streams.trials import LASTS_MS, trial_records

CIPHER = Cipher({"k1": bytes(64)}, current="k1")
TEMPLATE = Template(
    name="code",
    channel_type="sms",
    language_code="ru",
    body="{{ Code }}",
    variables={"Code": {"secret": True}, "Name": {}},
    version=4,
)
DATA = {"Code": "123", "Name": "Ann"}
TRIAL = Trial(TEMPLATE, Content(body="123", segments=1), DATA, "+7 900 123-45-67", "ann", "ann:k")


def test_a_trial_is_a_message_and_its_task_with_nothing_in_clear() -> None:
    queued, task = trial_records(TRIAL, "+79001234567", CIPHER, 5)
    assert (queued.message_id, queued.user_id, "sms", "template_trial") == (
        task.message_id,
        task.user_id,
        task.channel,
        task.notification_type,
    )
    assert ("code", 4, "ru", 1) == (
        queued.template,
        queued.template_version,
        queued.language,
        queued.segments,
    )
    assert {"Code": "***", "Name": "Ann"} == msgspec.json.decode(CIPHER.open(queued.payload))
    assert (b"+79001234567", "123") == (
        CIPHER.open(task.address),
        msgspec.json.decode(CIPHER.open(task.content), type=Content).body,
    )
    assert ("hold", 1, 5 + LASTS_MS) == (task.unknown_policy, task.max_attempts, task.expires_at)
    assert subject_key(task.user_id) == f"user:{queued.user_id}".encode()


def test_a_repeat_of_a_trial_is_the_same_message_and_another_is_not() -> None:
    first, again = (trial_records(TRIAL, "a", CIPHER, now)[0].message_id for now in (1, 2))
    other = trial_records(TRIAL._replace(request_key="ann:j"), "a", CIPHER, 1)[0].message_id
    assert first == again != other
