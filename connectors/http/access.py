"""The access table of the public port: each method and path with its policy (NS-API-005…009, 065).

A route without a row here cannot be served; rows without a route are those of the spec that are still to
come. docs/access.md is written from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from connectors.http.policies import (
    Anyone,
    AtLogin,
    ByLink,
    BySignature,
    Himself,
    NeedsKey,
    NeedsRole,
    Public,
    Role,
)

if TYPE_CHECKING:
    from connectors.http.policies import Policy

PREFIX: Final = "/api/v1/notifications"
SEEN: Final = "/4.0/mark-notify/v1/seen"
OF_USER: Final = f"{PREFIX}/preferences/{{user_id}}"
AUDIENCES: Final = "/communications-audience/v1"
WEBHOOK: Final = f"{PREFIX}/webhooks/{{channel}}/{{provider}}"
SHOWN: Final = "/inapp-communications/v1/campaigns"


class Row(NamedTuple):
    """One method and path; `source`: what demands the policy."""

    method: str
    path: str
    policy: Policy
    source: str


TEMPLATES: Final = NeedsRole(frozenset({Role.ADMIN}), "templates")
MARKETING: Final = NeedsRole(frozenset({Role.ADMIN, Role.MARKETER}), "templates")
PREFERENCES: Final = Himself("user_id", NeedsRole(frozenset({Role.ADMIN}), "preferences"))
CAMPAIGNS: Final = NeedsRole(frozenset({Role.ADMIN, Role.MARKETER}))
DEVICES: Final = Himself("user_id", NeedsRole(frozenset(), "devices"))
DEVICES_BY_BODY: Final = Himself(None, NeedsRole(frozenset(), "devices"))
MAILBOX: Final = Himself(None, NeedsRole(frozenset()))
SENDING: Final = NeedsRole(frozenset({Role.ADMIN}), "send")
STATISTICS: Final = NeedsRole(frozenset({Role.ADMIN, Role.MARKETER}), "stats")
KEYS: Final = NeedsRole(frozenset({Role.ADMIN}))
QUARANTINE: Final = NeedsRole(frozenset({Role.ADMIN}))
PERSONS: Final = NeedsRole(frozenset({Role.ADMIN}))
AUDIENCE: Final = NeedsKey("audience")
READING: Final = NeedsKey("campaigns")

TABLE: Final[tuple[Row, ...]] = (
    Row("POST", SEEN, Anyone(), "SEEN-040, SEEN-OP-09"),
    Row("POST", f"{SEEN}/batch", Anyone(), "SEEN-040, SEEN-OP-09"),
    Row("GET", "/openapi.json", Public(), "tells nothing that the code does not"),
    Row("GET", "/docs", Public(), "the same for people"),
    Row("GET", "/docs/page.js", Public(), "the same for people"),
    Row("GET", "/docs/page.css", Public(), "the same for people"),
    Row(
        "POST",
        f"{PREFIX}/templates",
        MARKETING,
        "NS-API-005, NS-TPL-OP-01: marketers write templates of marketing only",
    ),
    Row("GET", f"{PREFIX}/templates", MARKETING, "NS-API-005, NS-TPL-OP-01"),
    Row("GET", f"{PREFIX}/templates/{{id}}", MARKETING, "NS-API-005, NS-TPL-OP-01"),
    Row(
        "PUT",
        f"{PREFIX}/templates/{{id}}",
        MARKETING,
        "NS-API-005, NS-TPL-OP-01: marketers write templates of marketing only",
    ),
    Row("DELETE", f"{PREFIX}/templates/{{id}}", TEMPLATES, "NS-API-005"),
    Row("GET", f"{PREFIX}/templates/{{id}}/versions", MARKETING, "NS-API-005, NS-TPL-OP-01"),
    Row(
        "POST",
        f"{PREFIX}/templates/{{id}}/rollback",
        MARKETING,
        "NS-API-005, NS-TPL-OP-01: marketers write templates of marketing only",
    ),
    Row("POST", f"{PREFIX}/templates/{{id}}/preview", MARKETING, "NS-API-005, NS-TPL-OP-01"),
    Row("POST", f"{PREFIX}/templates/{{id}}/test-send", TEMPLATES, "NS-API-005"),
    Row("GET", OF_USER, PREFERENCES, "NS-API-006"),
    Row("PUT", OF_USER, PREFERENCES, "NS-API-006"),
    Row("GET", f"{OF_USER}/types", PREFERENCES, "NS-API-006"),
    Row("POST", f"{OF_USER}/unsubscribe", PREFERENCES, "NS-API-006"),
    Row(
        "DELETE",
        f"{OF_USER}/unsubscribe/{{channel_type}}",
        PREFERENCES,
        "NS-PREF-OP-06",
    ),
    Row("PUT", f"{OF_USER}/consents/{{purpose}}", PREFERENCES, "NS-PREF-OP-07"),
    Row("PUT", f"{OF_USER}/quiet-hours", PREFERENCES, "NS-API-006"),
    Row("DELETE", f"{OF_USER}/quiet-hours", PREFERENCES, "NS-API-006"),
    Row("GET", f"{PREFIX}/unsubscribe", ByLink(), "NS-API-OP-10: the signed token of the mail"),
    Row("POST", f"{PREFIX}/unsubscribe", ByLink(), "NS-API-OP-10: the signed token of the mail"),
    Row("GET", f"{PREFIX}/preferences", ByLink(), "NS-PREF-010: the signed link of a message"),
    Row("POST", f"{PREFIX}/preferences", ByLink(), "NS-PREF-010: the signed link, and the page's form"),
    Row("POST", WEBHOOK, BySignature(), "NS-API-OP-01: what a provider signs"),
    Row("GET", WEBHOOK, BySignature(), "NS-API-OP-01: the same, of vendors that call a GET"),
    Row("POST", f"{PREFIX}/campaigns", CAMPAIGNS, "NS-API-007"),
    Row("GET", f"{PREFIX}/campaigns", CAMPAIGNS, "NS-API-007"),
    Row("GET", f"{PREFIX}/campaigns/{{id}}", CAMPAIGNS, "NS-API-007"),
    Row("PUT", f"{PREFIX}/campaigns/{{id}}", CAMPAIGNS, "NS-API-007"),
    Row("POST", f"{PREFIX}/campaigns/{{id}}/start", CAMPAIGNS, "NS-API-007"),
    Row("POST", f"{PREFIX}/campaigns/{{id}}/stop", CAMPAIGNS, "NS-API-007"),
    Row("GET", f"{PREFIX}/campaigns/{{id}}/stats", CAMPAIGNS, "NS-API-007"),
    Row("POST", f"{PREFIX}/devices", DEVICES_BY_BODY, "NS-API-008"),
    Row("PUT", f"{PREFIX}/devices/{{id}}", DEVICES_BY_BODY, "NS-API-008"),
    Row("GET", f"{PREFIX}/devices/user/{{user_id}}", DEVICES, "NS-API-008"),
    Row(
        "GET",
        f"{PREFIX}/ws",
        AtLogin(MAILBOX.others),
        "NS-CH-054: the token of the handshake, or of the first frame",
    ),
    Row("GET", f"{PREFIX}/mailbox", MAILBOX, "NS-CH-054"),
    Row("POST", f"{PREFIX}/mailbox/acts", MAILBOX, "NS-CH-054"),
    Row("GET", f"{PREFIX}/mailbox/page", Public(), "a page for people, who show a token to connect"),
    Row("GET", f"{PREFIX}/mailbox/page.js", Public(), "the same"),
    Row("GET", f"{PREFIX}/mailbox/page.css", Public(), "the same"),
    Row("POST", f"{PREFIX}/send", SENDING, "NS-API-009"),
    Row("POST", f"{PREFIX}/send/batch", SENDING, "NS-API-009"),
    Row("POST", f"{PREFIX}/send/{{id}}/cancel", SENDING, "NS-API-009"),
    Row("GET", f"{PREFIX}/stats/delivery", STATISTICS, "NS-API-065"),
    Row("GET", f"{PREFIX}/stats/messages/{{id}}", STATISTICS, "NS-API-065"),
    Row("GET", f"{PREFIX}/health", Public(), "NS-API-063"),
    Row("POST", f"{AUDIENCES}/publish", AUDIENCE, "AUD-030"),
    Row("POST", f"{AUDIENCES}/unpublish", AUDIENCE, "AUD-030"),
    Row("GET", f"{AUDIENCES}/status", AUDIENCE, "AUD-030"),
    Row("POST", "/admin/promotions/publish/", AUDIENCE, "AUD-OP-05"),
    Row("GET", SHOWN, READING, "CRM-015"),
    Row("POST", SHOWN, READING, "CRM-015"),
    Row("POST", f"{PREFIX}/keys", KEYS, "NS-SEC-011"),
    Row("GET", f"{PREFIX}/keys", KEYS, "NS-SEC-011"),
    Row("DELETE", f"{PREFIX}/keys/{{key_id}}", KEYS, "NS-SEC-011"),
    Row("POST", f"{PREFIX}/keys/{{key_id}}/rotate", KEYS, "NS-SEC-011"),
    Row("GET", f"{PREFIX}/quarantine", QUARANTINE, "NS-SEC-OP-07"),
    Row("POST", f"{PREFIX}/quarantine", QUARANTINE, "NS-SEC-OP-07: an admin releases what is held"),
    Row("GET", f"{PREFIX}/users/{{user_id}}/export", PERSONS, "NS-SEC-042"),
    Row("POST", f"{PREFIX}/users/{{user_id}}/erasure", PERSONS, "NS-SEC-OP-02"),
)

_POLICIES: Final = {(row.method, row.path): row.policy for row in TABLE}


def policy_of(method: str, path: str) -> Policy:
    """The policy of a route; KeyError for one without a row."""
    return _POLICIES[method, path]
