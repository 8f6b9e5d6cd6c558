"""A push as FCM's HTTP v1 takes it: what all apps get, and what each platform gets beside it (NS-CH-034).

Sources: Firebase's pages "REST Resource: projects.messages", "Customize a message across platforms" and "Send
an image in the notification payload" (of Apple's and of Android's apps).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from connectors.providers.port import message_id_of
from connectors.providers.rich_push import apple_words, buttons

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.records import Content

LARGEST_BYTES = 4_096


def fcm_message(
    address: str, content: Content, idempotency_key: str, lasting: tuple[int, int]
) -> dict[str, Any]:
    """The `message` of a request. `lasting`: for how many seconds, from which ms on."""
    message_id, (ttl_s, now) = message_id_of(idempotency_key), lasting
    return {
        "token": address,
        "notification": _shown(content),
        "data": _data(content, idempotency_key),
        "android": {"priority": "HIGH", "ttl": f"{ttl_s}s", "notification": {"tag": message_id}},
        "webpush": {
            "headers": {"TTL": str(ttl_s)},
            "notification": {"tag": message_id, **_actions(content)},
        },
        "apns": {
            "headers": {"apns-collapse-id": message_id, "apns-expiration": str(now // 1000 + ttl_s)},
            "payload": {"aps": apple_words(content)},
            **({"fcm_options": {"image": content.image}} if content.image else {}),
        },
    }


def size_of(message: Mapping[str, Any]) -> int:
    """Of keys and values of what every app gets: no way of counting makes less of it."""
    pairs = (message["notification"] | message["data"]).items()
    return sum(len(key) + len(value.encode("utf-8", "replace")) for key, value in pairs)


def _shown(content: Content) -> dict[str, str]:
    title = content.title or content.subject
    return {
        "body": content.body,
        **({"title": title} if title else {}),
        **({"image": content.image} if content.image else {}),
    }


def _data(content: Content, idempotency_key: str) -> dict[str, str]:
    """Texts only: the buttons are JSON in one, for apps of Android and Apple's to draw."""
    ids = {"carillon_message_id": message_id_of(idempotency_key), "carillon_key": idempotency_key}
    return ids | ({"carillon_buttons": orjson.dumps(buttons(content)).decode()} if content.buttons else {})


def _actions(content: Content) -> dict[str, Any]:
    """Buttons of a browser."""
    actions = [{"action": each.name, "title": each.label} for each in content.buttons]
    return {"actions": actions} if actions else {}
