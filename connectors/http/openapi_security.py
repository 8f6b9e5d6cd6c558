"""What the OpenAPI documents say of a policy: which credentials let in, and how others are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connectors.http.authority import CHALLENGE, GATEWAY_SCOPE, SECRET_HEADER, SOON
from connectors.http.policies import (
    Anyone,
    AtLogin,
    ByLink,
    BySignature,
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

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMES: Final = {
    "gatewaySecret": {
        "type": "apiKey",
        "in": "header",
        "name": SECRET_HEADER,
        "description": "The gateway's proof. Without one of the proofs, identity headers are ignored.",
    },
    "apiKey": {"type": "http", "scheme": "bearer", "description": "`ck_live_…` or `ck_test_…`, with scopes."},
    "person": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the issuer that the settings name, with one of these roles.",
    },
}
_GATEWAY: Final[list[dict[str, list[str]]]] = [{"gatewaySecret": []}, {"apiKey": [GATEWAY_SCOPE]}]


def security(policy: Policy) -> list[dict[str, list[str]]]:
    """Each entry is one way in; an empty one: without credentials."""
    match policy:
        case Public() | ByLink() | BySignature() | Operations():
            return []
        case Anyone():
            return [{}, *_GATEWAY]
        case OnlyGateway():
            return _GATEWAY
        case NeedsKey(scope=scope):
            return [{"apiKey": [scope]}]
        case NeedsRole(roles=roles, scope=scope):
            return _ways(roles, scope)
        case Himself(others=others) | AtLogin(others=others):
            return _ways({*others.roles, Role.USER}, others.scope)


def _ways(roles: Iterable[Role], scope: str | None) -> list[dict[str, list[str]]]:
    people: dict[str, list[str]] = {"person": sorted(roles)}
    return [people] if scope is None else [people, {"apiKey": [scope]}]


def refusals(policy: Policy) -> tuple[ProblemError, ...]:
    """The problems that `authenticate` may raise under a policy."""
    unknown = ProblemError(Code.UNAUTHENTICATED, headers={"WWW-Authenticate": CHALLENGE})
    always = (ProblemError(Code.CREDENTIALS_IN_URL), ProblemError(Code.CREDENTIALS_UNAVAILABLE, headers=SOON))
    match policy:
        case Public() | ByLink() | BySignature() | Operations():
            return ()
        case AtLogin():
            return (ProblemError(Code.CREDENTIALS_IN_URL),)
        case Anyone():
            return always
        case OnlyGateway():
            return (*always, unknown)
        case NeedsKey() | NeedsRole() | Himself():
            return (*always, unknown, ProblemError(Code.FORBIDDEN))
