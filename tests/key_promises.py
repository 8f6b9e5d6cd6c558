"""What every store of API keys promises: one suite, run over memory and over Postgres."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.access.actor import Actor
from connectors.access.keys import Made, TooManyKeysError, Wanted, is_live, like, made

NOW = 1_800_000_000_000
DAY = 86_400_000
ANN = Actor("user:ann", "admin", "192.0.2.7")
SHOP = Wanted("shop", ("send", "stats"), per_minute=600)


class KeyPromises:
    """`store` is a fixture: an empty store."""

    async def given(self, store: Any, wanted: Wanted = SHOP, at: int = NOW) -> Made:
        found = made(wanted, at)
        await store.add(found.record, at, ANN)
        return found

    async def test_a_key_is_kept_without_the_key(self, store: Any) -> None:
        one = await self.given(store)
        (kept,) = await store.listed()
        assert (one.record, None) == (kept.record, kept.last_used_at)
        assert one.secret not in repr(kept)

    async def test_two_keys_of_a_service_and_kind_live_and_no_third(self, store: Any) -> None:
        await self.given(store)
        await self.given(store, SHOP._replace(is_test=True))
        await self.given(store, SHOP._replace(service="bank"))
        await self.given(store, at=NOW + 1)
        with pytest.raises(TooManyKeysError, match="shop has 2 live keys"):
            await self.given(store, at=NOW + 2)
        assert 4 == len(await store.listed())

    async def test_a_key_that_ended_or_was_revoked_makes_room(self, store: Any) -> None:
        await self.given(store, SHOP._replace(lives_ms=DAY))
        second = await self.given(store)
        await self.given(store, at=NOW + DAY)
        assert await store.revoke(second.record.key_id, NOW + DAY, ANN)
        await self.given(store, at=NOW + DAY)
        assert 4 == len(await store.listed())

    async def test_a_successor_takes_over_and_the_old_key_ends_after_the_grace(self, store: Any) -> None:
        old = await self.given(store)
        new: list[Made] = []

        def successor(before: Any) -> Any:
            new.append(made(like(before), NOW + 5))
            return new[0].record

        assert await store.change_over(old.record.key_id, successor, NOW + DAY, ANN)
        found = {kept.record.key_id: kept.record for kept in await store.listed()}
        ended = found[old.record.key_id]
        assert (NOW + DAY, 2) == (ended.expires_at, ended.version)
        assert new[0].record == found[new[0].record.key_id]
        assert (["send", "stats"], 600) == (new[0].record.scopes, new[0].record.per_minute)
        assert [True, False] == [is_live(ended, at) for at in (NOW + DAY - 1, NOW + DAY)]

    async def test_neither_a_dead_key_nor_an_unknown_one_has_a_successor(self, store: Any) -> None:
        dead = await self.given(store)
        await store.revoke(dead.record.key_id, NOW, ANN)
        for key_id in (dead.record.key_id, "none"):
            assert not await store.change_over(key_id, lambda old: made(like(old), NOW).record, NOW, ANN)
        assert 1 == len(await store.listed())

    async def test_a_refused_successor_changes_nothing(self, store: Any) -> None:
        old = await self.given(store)
        await self.given(store)
        before = await store.listed()
        with pytest.raises(TooManyKeysError):
            await store.change_over(old.record.key_id, lambda key: made(like(key), NOW).record, NOW, ANN)
        assert before == await store.listed()

    async def test_revoking_twice_is_as_good_as_once(self, store: Any) -> None:
        one = await self.given(store)
        assert [True, True, False] == [
            await store.revoke(key_id, NOW + n, ANN)
            for n, key_id in enumerate((one.record.key_id, one.record.key_id, "none"))
        ]
        (kept,) = await store.listed()
        assert (NOW, 2) == (kept.record.revoked_at, kept.record.version)
