"""Labels of audiences in Postgres: their rows, and the lists of their communications (AUD-103, AUD-110)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.cipher import Cipher
from connectors.postgres.database import Database
from connectors.postgres.reference import ReferenceStore
from connectors.postgres.rows import RowWriter
from schemas.records import Communication
from tests.sample_rows import NOW, labelled, migrated

LISTS = "SELECT id, audience_labels FROM promotions.promotions ORDER BY id"
ROWS = """
SELECT audience_label, campaign_label, communication_id, extract(EPOCH FROM starts_at)::BIGINT * 1000,
extract(EPOCH FROM ends_at)::BIGINT * 1000, extract(EPOCH FROM published_at)::BIGINT * 1000,
is_test_publication, experiment_name, experiment::TEXT, withdrawn_at IS NULL, version
FROM promotions.audience_labels ORDER BY audience_label
"""
COLUMNS = """
SELECT column_name, data_type, is_nullable FROM information_schema.columns
WHERE table_schema = 'promotions' AND table_name = 'promotions'
"""


async def write(postgres: Database, *batches: list[Any]) -> None:
    writer = RowWriter(postgres, "app")
    start = await writer.open_task("rows", 0, 0)
    for batch in batches:
        await writer.write("rows", 0, start, start + len(batch), batch)
        start += len(batch)


async def fetched(postgres: Database, query: str) -> list[tuple[Any, ...]]:
    async with postgres.connection() as connection:
        return [tuple(row) for row in await connection.fetch(query)]


@pytest.mark.spec("AUD-094 AUD-101 AUD-103 AUD-OP-26 AUD-110 AUD-111 AUD-112 AUD-113")
@pytest.mark.spec("AUD-114 AUD-115 AUD-OP-27 AUD-117 AUD-119 AUD-120 CRM-014 CRM-021")
async def test_a_label_has_its_row_and_stands_in_the_list_of_its_communication(database: str) -> None:
    async with migrated(database) as postgres:
        cipher = Cipher({"k1": bytes(64)}, current="k1")
        known = [Communication(id=name, kind="fullscreen", content={}) for name in ("other", "sale")]
        await ReferenceStore(postgres, cipher).apply(known)
        first, second = labelled(), labelled("spring", is_for_everyone=True)
        await write(postgres, [first, second], [first], [labelled("autumn:sale", filters=[])])
        assert [("other", []), ("sale", ["autumn:sale", "spring", "spring:sale"])] == await fetched(
            postgres, LISTS
        )
        name, *rest, filters, stands, version = (await fetched(postgres, ROWS))[2]
        label = first.label
        assert (label.audience_label, True, 1) == (name, stands, version)
        dates = [label.starts_at, label.ends_at, label.published_at // 1000 * 1000]
        assert ["spring", "sale", *dates, False, label.experiment_name] == rest
        assert msgspec.to_builtins(label.filters) == msgspec.json.decode(filters)


@pytest.mark.spec("AUD-OP-26 AUD-118 AUD-120")
async def test_a_communication_has_its_look_and_a_list_of_labels_and_no_dates_of_publishing(
    database: str,
) -> None:
    async with migrated(database) as postgres:
        columns = {name: (kind, null) for name, kind, null in await fetched(postgres, COLUMNS)}
        assert ("ARRAY", "NO") == columns.pop("audience_labels")
        expected = {"id", "kind", "content", "created_at", "updated_at", "version", "deleted_at"}
        assert expected == set(columns)


@pytest.mark.spec("AUD-113 CRM-OP-02")
async def test_a_withdrawal_moves_the_end_and_an_older_row_does_not_bring_it_back(database: str) -> None:
    """Mutation to try: no look at the version in `write_labels`."""
    async with migrated(database) as postgres:
        ended = labelled(version=3, ends_at=NOW + 7_000, withdrawn_at=NOW + 7_000)
        await write(postgres, [labelled()], [ended], [labelled(version=2)])
        ((*_, ends_at, _published, _test, _name, _filters, stands, version),) = await fetched(postgres, ROWS)
        assert (NOW + 7_000, False, 3) == (ends_at, stands, version)
