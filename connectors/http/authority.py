"""Who may call what: one port for every route.

Every route of the table declares one policy; `Authority.authenticate` is asked for each request.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from connectors.http.credentials import KeyShown, Nothing, TokenShown, is_in_url
from connectors.http.jwks import KeysUnavailableError
from connectors.http.policies import (
    GATEWAY,
    OPERATIONS,
    STRANGER,
    Anyone,
    AtLogin,
    ByLink,
    BySignature,
    Caller,
    CallerKind,
    Himself,
    NeedsKey,
    NeedsRole,
    OnlyGateway,
    Operations,
    Policy,
    Public,
    Role,
)
from connectors.http.problems import Code, ProblemError
from connectors.http.tokens import TokenRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from connectors.access.key_book import Held, KeyBook
    from connectors.http.credentials import Asked
    from connectors.http.tokens import Person, Tokens

SECRET_HEADER = "X-Gateway-Secret"  # noqa: S105 - the header's name
GATEWAY_SCOPE = "gateway"
CHALLENGE = 'Bearer realm="carillon"'
SOON = {"Retry-After": "1"}
OPEN: Final = (Public, ByLink, BySignature, Operations)
"""Policies of routes that look at no credential here."""


class Authenticate(Protocol):
    """The port every route passes: a caller that satisfies the policy, or `ProblemError` (401, 403)."""

    async def __call__(self, asked: Asked, policy: Policy) -> Caller: ...


class Refusals(Protocol):
    """Hears of credentials that were refused (`connectors.metrics.HttpMetrics`)."""

    def gateway_mismatch(self) -> None: ...
    def refused(self, reason: str) -> None: ...


class Unheard:
    """Nobody counts refusals."""

    def gateway_mismatch(self) -> None: ...
    def refused(self, reason: str) -> None: ...


class Authority:
    """Checks API keys, tokens of people, and the gateway's secret.

    `gateway_secrets`: each of them is accepted, so that a secret can be changed without a gap; without any,
    nobody is the gateway. `tokens` None: nobody is a person.
    """

    def __init__(
        self,
        keys: KeyBook,
        gateway_secrets: Iterable[str],
        tokens: Tokens | None = None,
        refusals: Refusals | None = None,
        now_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._keys = keys
        self._secrets = [secret.encode() for secret in gateway_secrets if secret]
        self._tokens = tokens
        self._refusals = refusals or Unheard()
        self._now_ms = now_ms

    async def authenticate(self, asked: Asked, policy: Policy) -> Caller:
        """Check the credentials against the policy."""
        if isinstance(policy, OPEN):
            return OPERATIONS if isinstance(policy, Operations) else STRANGER
        if is_in_url(asked.query):
            self._refusals.refused("in_url")
            raise ProblemError(Code.CREDENTIALS_IN_URL)
        match policy:
            case Anyone() | AtLogin():
                return self._gateway(asked) or STRANGER
            case OnlyGateway():
                return self._gateway(asked) or self._unknown(asked)
            case NeedsKey(scope=scope):
                return self._service(asked, scope)
            case NeedsRole():
                return await self._admitted(asked, policy)
            case Himself():
                return await self._himself(asked, policy)

    def is_gateway(self, headers: Mapping[str, str]) -> bool:
        """Whether the gateway's secret is shown, so that what it forwards is believed."""
        shown = headers.get(SECRET_HEADER)
        return shown is not None and _is_one_of(shown.encode("utf-8", "surrogateescape"), self._secrets)

    def _gateway(self, asked: Asked) -> Caller | None:
        """Recognise the gateway by its secret, or by an API key of the gateway's scope."""
        if SECRET_HEADER in asked.headers:
            if self.is_gateway(asked.headers):
                return GATEWAY
            self._refusals.gateway_mismatch()
            return None
        held = self._held(asked) if isinstance(asked.credential, KeyShown) else None
        return GATEWAY if held is not None and GATEWAY_SCOPE in held.scopes else None

    async def _admitted(self, asked: Asked, policy: NeedsRole) -> Caller:
        """A person of one of the roles, or a service with the scope."""
        if isinstance(asked.credential, TokenShown):
            person = await self._person(asked.credential, asked)
            if not person.roles & policy.roles:
                self._forbid("role")
            subject, roles = person.subject, person.roles
            return Caller(CallerKind.PERSON, subject=subject, roles=roles, until_ms=person.until_ms)
        return self._service(asked, policy.scope)

    async def _himself(self, asked: Asked, policy: Himself) -> Caller:
        """Whom the others are; or a user, and then no path but his own."""
        allowed = NeedsRole(policy.others.roles | {Role.USER}, policy.others.scope)
        caller = await self._admitted(asked, allowed)
        if caller.kind is CallerKind.KEY or caller.roles & policy.others.roles:
            return caller
        if policy.user_in is not None and asked.path[policy.user_in] != caller.subject:
            self._forbid("another_user")
        return caller._replace(only=caller.subject)

    async def _person(self, credential: TokenShown, asked: Asked) -> Person:
        if self._tokens is None:
            self._unknown(asked)
        try:
            return await self._tokens.person(credential.text)
        except TokenRefusedError as error:
            self._unknown(asked, error.reason)
        except KeysUnavailableError:
            raise ProblemError(Code.CREDENTIALS_UNAVAILABLE, headers=SOON) from None

    def _service(self, asked: Asked, scope: str | None) -> Caller:
        held = self._held(asked)
        if held is None:
            self._unknown(asked)
        if scope is None or scope not in held.scopes:
            self._forbid("scope")
        assert isinstance(asked.credential, KeyShown)
        is_test = asked.credential.is_test
        return Caller(CallerKind.KEY, held.key_id, is_test, per_minute=held.per_minute, service=held.service)

    def _held(self, asked: Asked) -> Held | None:
        """The key in force that is shown; before the keys were read, nobody can say that there is none."""
        if not isinstance(asked.credential, KeyShown):
            return None
        held = self._keys.find(asked.credential.digest, self._now_ms())
        if held is None and not self._keys.is_read:
            raise ProblemError(Code.CREDENTIALS_UNAVAILABLE, headers=SOON)
        return held

    def _forbid(self, reason: str) -> NoReturn:
        self._refusals.refused(reason)
        raise ProblemError(Code.FORBIDDEN)

    def _unknown(self, asked: Asked, reason: str | None = None) -> NoReturn:
        self._refusals.refused(reason or _words_for(asked))
        shows = not isinstance(asked.credential, Nothing)
        challenge = f'{CHALLENGE}, error="invalid_token"' if shows else CHALLENGE
        raise ProblemError(Code.UNAUTHENTICATED, headers={"WWW-Authenticate": challenge})


def _words_for(asked: Asked) -> str:
    match asked.credential:
        case Nothing():
            return "nothing"
        case KeyShown():
            return "key"
        case _:
            return "unusable"


def _is_one_of(shown: bytes, secrets: list[bytes]) -> bool:
    """Compare with all of them, each in the same time for right and wrong."""
    return sum(hmac.compare_digest(shown, secret) for secret in secrets) > 0
