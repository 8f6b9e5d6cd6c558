"""The access table has the roles of the specification, whether or not a route is there yet."""

from __future__ import annotations

import pytest

from connectors.http.access import PREFIX, TABLE, WEBHOOK, Row
from connectors.http.policies import AtLogin, Himself, NeedsRole, Public, Role

OF_OTHERS = ("/4.0/mark-notify/", "/communications-audience/", "/inapp-communications/", "/admin/", "/docs")
GROUPS = {
    "preferences/{user_id}": ({Role.ADMIN, Role.USER}, True),
    "campaigns": ({Role.ADMIN, Role.MARKETER}, False),
    "devices": ({Role.USER}, True),
    "send": ({Role.ADMIN}, True),
    "mailbox": ({Role.USER}, False),
    "ws": ({Role.USER}, False),
    "stats": ({Role.ADMIN, Role.MARKETER}, True),
}
"""Group of paths → roles of people, and whether services may call it."""


def rows(group: str) -> list[Row]:
    return [
        row
        for row in TABLE
        if not isinstance(row.policy, Public) and f"{row.path}/".startswith(f"{PREFIX}/{group}/")
    ]


def callers(row: Row) -> tuple[set[Role], bool]:
    """Roles of people, `user` for what is his own; whether a key of some scope opens it."""
    is_his = isinstance(row.policy, Himself | AtLogin)
    policy = row.policy.others if isinstance(row.policy, Himself | AtLogin) else row.policy
    assert isinstance(policy, NeedsRole), row
    own = {Role.USER} if is_his else set()
    return own | policy.roles, policy.scope is not None


@pytest.mark.spec("NS-API-005 NS-API-006 NS-API-007 NS-API-008 NS-API-009 NS-API-065 NS-API-044")
@pytest.mark.parametrize("group", GROUPS)
def test_each_group_has_the_roles_of_the_specification(group: str) -> None:
    """Mutation tried: marketers may send: fails."""
    assert [GROUPS[group]] * len(rows(group)) == [callers(row) for row in rows(group)]
    assert rows(group)


@pytest.mark.spec("NS-API-005 NS-TPL-OP-01")
def test_marketers_read_templates_and_write_them_and_neither_delete_nor_send_one() -> None:
    """That what they write is of marketing, the handlers see to. Mutation tried: they may delete: fails."""
    for row in rows("templates"):
        is_admins = row.method == "DELETE" or row.path.endswith("/test-send")
        assert ({Role.ADMIN} if is_admins else {Role.ADMIN, Role.MARKETER}, True) == callers(row)


@pytest.mark.spec("NS-API-002")
def test_the_groups_of_the_notification_service_have_its_prefix() -> None:
    assert "/api/v1/notifications" == PREFIX
    others = [row.path for row in TABLE if not row.path.startswith(f"{PREFIX}/")]
    assert [] == [path for path in others if not path.startswith((*OF_OTHERS, "/openapi.json"))]


@pytest.mark.spec("NS-DATA-OP-20")
def test_nobody_changes_providers_over_http() -> None:
    """What they report they post by their own signature; it configures nothing."""
    assert {WEBHOOK} == {row.path for row in TABLE if "provider" in row.path}
    assert isinstance(next(row.policy for row in TABLE if row.path == f"{PREFIX}/health"), Public)
