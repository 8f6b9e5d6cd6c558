"""Messages of Amazon SNS: who signed one, and how a subscription is agreed to.

Sources: "Verifying the signatures of Amazon SNS messages", "Parsing Amazon SNS message formats" and "Amazon
SNS message delivery retries" of the SNS guide; `ConfirmSubscription` of its API.

The topic that a provider's config names says from which host certificates are taken and where a
subscription is confirmed: nothing that a post names is ever asked but a certificate's file name at that
host. A certificate comes without those above it, so what vouches for it is the host's own, over TLS.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Required, TypedDict
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import load_pem_x509_certificate

from connectors.providers.receipts.port import json_in, text
from schemas.errors import DecodeError, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIRMATION = "SubscriptionConfirmation"
NOTIFICATION = "Notification"
HASHES: dict[str, type[HashAlgorithm]] = {"1": SHA1, "2": SHA256}
ABOUT_SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
# What is signed of each type of message, in this order; a field that is not there is left out.
SIGNED: dict[str, tuple[str, ...]] = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: ABOUT_SUBSCRIPTION,
    "UnsubscribeConfirmation": ABOUT_SUBSCRIPTION,
}
_ARN = re.compile(r"arn:(aws|aws-cn|aws-us-gov):sns:([a-z0-9-]{3,40}):\d{12}:[A-Za-z0-9_-]{1,256}")
_FILE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem", re.ASCII)


class Envelope(TypedDict, total=False):
    """A message, as far as it is signed or says by whom; all else in it is skipped."""

    Type: Required[str]
    TopicArn: str | None
    Message: str | None
    MessageId: str | None
    Subject: str | None
    SubscribeURL: str | None
    Timestamp: str | None
    Token: str | None
    Signature: str | None
    SignatureVersion: str | None
    SigningCertURL: str | None


class Signer(NamedTuple):
    """A certificate: its key, and from when to when (ms) it holds."""

    key: RSAPublicKey
    since: float
    until: float


def host_of(topic: str) -> str | None:
    """The one host that speaks for a topic; None for what is the ARN of none."""
    found = _ARN.fullmatch(topic)
    return f"sns.{found[2]}.amazonaws.com{'.cn' if found[1] == 'aws-cn' else ''}" if found else None


def envelope_in(body: bytes) -> Envelope:
    """A message; `DecodeError` for any other body."""
    found: Envelope = json_in(body, Envelope)
    if found["Type"] not in SIGNED:
        raise DecodeError(Fault.WRONG_FIELD, "no message of SNS")
    return found


def certificate_url(envelope: Mapping[str, Any], topic: str) -> str | None:
    """Where the certificate of a message is; None when the message names another topic, or another place."""
    host, told = host_of(topic), text(envelope.get("SigningCertURL"))
    start = f"https://{host}"
    is_ours = host is not None and envelope.get("TopicArn") == topic and told.startswith(start)
    return told if is_ours and _FILE.fullmatch(told.removeprefix(start)) else None


def confirmation_url(envelope: Mapping[str, Any], topic: str) -> str | None:
    """What to GET to agree to the subscription that a genuine message asks about; None for any other."""
    host, token = host_of(topic), text(envelope.get("Token"))
    if host is None or envelope.get("Type") != CONFIRMATION or envelope.get("TopicArn") != topic or not token:
        return None
    return (
        f"https://{host}/?{urlencode({'Action': 'ConfirmSubscription', 'TopicArn': topic, 'Token': token})}"
    )


def is_signed(envelope: Envelope, certificate: bytes, now: int) -> bool:
    """Whether this certificate, if it holds at `now`, signed the message."""
    signer, hashed = signer_in(certificate), HASHES.get(text(envelope.get("SignatureVersion")))
    if signer is None or hashed is None or not signer.since <= now <= signer.until:
        return False
    try:
        signature = b64decode(text(envelope.get("Signature")), validate=True)
        signer.key.verify(signature, _signed(envelope), PKCS1v15(), hashed())
    except (binascii.Error, ValueError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


@lru_cache(maxsize=16)
def signer_in(certificate: bytes) -> Signer | None:
    """What a certificate in PEM says; None for what is none of RSA."""
    try:
        found = load_pem_x509_certificate(certificate)
        key = found.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, RSAPublicKey):
        return None
    times = (found.not_valid_before_utc, found.not_valid_after_utc)
    since, until = (at.timestamp() * 1000 for at in times)
    return Signer(key, since, until)


def _signed(envelope: Mapping[str, Any]) -> bytes:
    names = SIGNED[envelope["Type"]]
    told = ((name, envelope[name]) for name in names if isinstance(envelope.get(name), str))
    return "".join(f"{name}\n{value}\n" for name, value in told).encode("utf-8", "replace")
