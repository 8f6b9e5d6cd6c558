"""Access tokens of a service account (RFC 7523): signed here, exchanged at its issuer, kept, renewed in time.

Source: Google's page "Using OAuth 2.0 for Server to Server Applications" (claims, form, answer, one hour).
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from connectors.providers.endpoint import endpoint
from connectors.providers.http_status import MISCONFIGURED, UNAVAILABLE, verdict_of
from connectors.providers.port import Answer, ProviderConfigError, Secretive, scrubbed
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.providers.http_call import HttpCalls, Reply

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LASTS_S = 3_600
EARLY_MS = 300_000
"""A token is renewed so long before its end, while calls go on with it."""
AGAIN_MS = 1_000
"""A renewal that failed is not tried again before."""
OK = 2
NEW_MS = 60_000
"""A younger token that is refused is not at fault: it is the account that may not send."""
_VISIBLE = re.compile(r"[!-~]+")


class ServiceAccount(Secretive, frozen=True):
    """The file of a service account, as its issuer hands it out; fields that are not here are not needed."""

    client_email: str
    private_key: str
    token_uri: str
    private_key_id: str = ""
    project_id: str = ""


def service_account(text: str) -> ServiceAccount:
    """Read the file's text; `ProviderConfigError` when it is none."""
    try:
        return msgspec.json.decode(text, type=ServiceAccount)
    except (msgspec.MsgspecError, UnicodeError):
        raise ProviderConfigError("config: service_account is not the JSON of a service account") from None


class AccessTokens:
    """The token in force. One task renews it, however many calls wait: they get its token, or its failure."""

    def __init__(
        self, account: ServiceAccount, scope: str, calls: HttpCalls, now_ms: Callable[[], int]
    ) -> None:
        try:
            self._key = RSAKey.import_key(account.private_key)
        except (JoseError, ValueError, TypeError):
            raise ProviderConfigError("config: service_account has no private RSA key") from None
        if not self._key.is_private:
            raise ProviderConfigError("config: service_account has no private RSA key")
        self._account = account
        self._scope = scope
        self._url = endpoint(account.token_uri)
        self._calls = calls
        self._now_ms = now_ms
        self._renewal: asyncio.Task[str | Answer] | None = None
        self._held: str | Answer = Answer(Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE, "no token yet")
        self._got_at = self._renew_at = self._ends_at = 0

    async def get(self) -> str | Answer:
        """The token, or why there is none: nothing was sent then."""
        now = self._now_ms()
        if now >= self._renew_at and self._renewal is None:
            self._renewal = asyncio.create_task(self._renew())
        if now < self._ends_at or self._renewal is None:
            return self._held
        return await asyncio.shield(self._renewal)

    def forget(self, token: str) -> bool:
        """The vendor refused this token. Return whether there may be another: not if this one is new."""
        if token != self._held:
            return True
        if 0 <= self._now_ms() - self._got_at < NEW_MS:
            return False
        self._renew_at = self._ends_at = 0
        return True

    async def close(self) -> None:
        """End a renewal under way."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])

    async def _renew(self) -> str | Answer:
        try:
            asked_at = self._now_ms()
            body = urlencode({"grant_type": GRANT, "assertion": self._assertion(asked_at // 1000)})
            reply = await self._calls.post(self._url, body.encode(), FORM)
            found = _unsent(reply) if isinstance(reply, Answer) else _read(reply)
            if isinstance(found, Answer):
                self._renew_at = self._now_ms() + AGAIN_MS
                if self._renew_at > self._ends_at:
                    self._held = found
                return found
            token, lasts_ms = found
            self._held, self._got_at, self._ends_at = token, asked_at, asked_at + lasts_ms
            self._renew_at = self._ends_at - min(EARLY_MS, lasts_ms // 2)
            return token
        finally:
            self._renewal = None

    def _assertion(self, at_s: int) -> str:
        header = {"alg": "RS256", "typ": "JWT"}
        if self._account.private_key_id:
            header["kid"] = self._account.private_key_id
        claims = {
            "iss": self._account.client_email,
            "scope": self._scope,
            "aud": self._account.token_uri,
            "iat": at_s,
            "exp": at_s + LASTS_S,
        }
        return jwt.encode(header, claims, self._key)


def _unsent(answer: Answer) -> Answer:
    """A question whose answer is hidden may be asked again."""
    if answer.verdict is not Verdict.HIDDEN:
        return answer
    return Answer(Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE, f"access token: {answer.detail}")


def _read(reply: Reply) -> tuple[str, int] | Answer:
    """The token and how many ms it lasts."""
    token, lasts_s = reply.body.get("access_token"), reply.body.get("expires_in")
    if isinstance(token, str) and _VISIBLE.fullmatch(token) and isinstance(lasts_s, int) and lasts_s > 0:
        return token, min(lasts_s, LASTS_S) * 1000
    detail = scrubbed(f"access token: {reply.status} {reply.body.get('error', '')}")
    verdict, _ = said = verdict_of(reply.status)
    if verdict is Verdict.PERMANENT or reply.status // 100 == OK:
        said = MISCONFIGURED
    elif verdict is not Verdict.MISCONFIGURED:
        said = UNAVAILABLE
    return Answer(*said, detail)
