"""Posts of SNS, of streams and of vendors of texts, signed as each of them signs."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from functools import cache
from hashlib import new, sha256
from typing import Any
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from connectors.providers.receipts.port import Post
from connectors.providers.receipts.sns import HASHES, SIGNED
from connectors.signatures import key_of, signature
from tests.webhooks import AT_S, MESSAGE_ID, STANDARD_KEY

TOPIC = "arn:aws:sns:eu-west-1:123456789012:carillon"
HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE_URL = f"{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
SMSC_KEY = "word-of-the-account"
SMS_RU_KEY = "00000000-0000-0000-0000-000000000000"
ADDRESS_KEY = "a-secret-of-an-address-0001"


@cache
def signer() -> RSAPrivateKey:
    """The key of SNS."""
    return generate_private_key(65537, 2048)


@cache
def certificate(by: RSAPrivateKey | EllipticCurvePrivateKey | None = None) -> bytes:
    """Its certificate, for the years 2020 to 2049; or one `by` another key."""
    key = by or signer()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2049, 1, 1, tzinfo=UTC))
        .sign(key, SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def by_sns(message: dict[str, Any], version: str = "2") -> Post:
    """A message as SNS signs it; `Type` says which fields count."""
    whole = {"TopicArn": TOPIC, "MessageId": "sns-1", "Timestamp": "2023-11-14T22:13:21.000Z"} | message
    signed = "".join(f"{name}\n{whole[name]}\n" for name in SIGNED[whole["Type"]] if name in whole)
    told = signer().sign(signed.encode(), PKCS1v15(), HASHES[version]())
    proof = {
        "SignatureVersion": version,
        "Signature": b64encode(told).decode(),
        "SigningCertURL": CERTIFICATE_URL,
    }
    body = json.dumps({**whole, **proof}).encode()
    return Post({"x-amz-sns-topic-arn": TOPIC}, body, certificate=certificate())


def by_ses(event: dict[str, Any], version: str = "2", **more: str) -> Post:
    """An event of SES in a message of SNS."""
    return by_sns({"Type": "Notification", "Message": json.dumps(event)} | more, version)


def asking() -> Post:
    """SNS asks whether this subscription is wanted."""
    return by_sns(
        {
            "Type": "SubscriptionConfirmation",
            "Message": "You have chosen to subscribe",
            "Token": "t0k3n",
            "SubscribeURL": f"{HOST}/?Action=ConfirmSubscription&Token=t0k3n",
        }
    )


def mail(message_id: str = MESSAGE_ID) -> dict[str, Any]:
    """What SES and Postbox say of the mail of an event."""
    return {
        "timestamp": "2023-11-14T22:13:00.000Z",
        "messageId": "010001-000000",
        "destination": ["anna@example.com"],
        "tags": {"carillon_message_id": [message_id], "ses:configuration-set": ["notifications"]},
    }


def by_postbox(*events: dict[str, Any], at_s: int = AT_S) -> Post:
    """What the function of a trigger posts, signed in our own way."""
    body = json.dumps({"messages": list(events)}).encode()
    return Post(signature(key_of(STANDARD_KEY), "post-1", at_s, body), body)


def by_smsc(status: str, message_id: str = MESSAGE_ID, *, algorithm: str = "sha1", **more: str) -> Post:
    """A call with a form."""
    return Post({}, urlencode(_smsc(status, message_id, algorithm) | more).encode(), f"{algorithm}=1")


def by_smsc_get(status: str, message_id: str = MESSAGE_ID, **more: str) -> Post:
    """A call with all behind the path."""
    return Post({}, b"", urlencode(_smsc(status, message_id, "md5") | more))


def _smsc(status: str, message_id: str, algorithm: str) -> dict[str, str]:
    told = {"id": message_id, "phone": "79990000001", "status": status}
    digest = new(algorithm, ":".join([*told.values(), SMSC_KEY]).encode()).hexdigest()
    return {**told, "ts": str(AT_S), "err": "0", "type": "0", algorithm: digest}


def by_sms_ru(
    *entries: str, key: str = SMS_RU_KEY, boundary: str = "------------------------0a1b2c3d"
) -> Post:
    """Entries in a form of parts."""
    told = sha256((key + "".join(entries)).encode()).hexdigest()
    fields = [*((f"data[{at}]", entry) for at, entry in enumerate(entries)), ("hash", told)]
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields
    ]
    return Post({}, f"{''.join(parts)}--{boundary}--\r\n".encode())


def by_mts(body: Any, key: str = ADDRESS_KEY) -> Post:
    """A callback to an address with a secret."""
    return Post({}, json.dumps(body).encode(), f"secret={key}")


def by_megafon(body: Any, message_id: str = MESSAGE_ID, key: str = ADDRESS_KEY) -> Post:
    """A callback to the address of one text."""
    return Post({}, json.dumps(body).encode(), f"secret={key}&key={message_id}%3A0")
