"""Names that live in clusters and on disks: a change would orphan offsets, fences, changelogs (rule 1)."""

from __future__ import annotations

from pathlib import Path

from streams.engine import inner, restore, store
from streams.engine.api import EngineConfig
from streams.engine.assignor import assignor_for

CONFIG = EngineConfig("broker:9092", "carillon", "worker-0", "/data")


def test_names_of_groups_transactions_and_topics_are_frozen() -> None:
    assert {
        "group": "carillon.recipient",
        "transactional id": "carillon.recipient.7",
        "changelog": "carillon.recipient.changelog",
        "dead letters": "carillon.recipient.dlq",
        "layout": "carillon.layout",
        "stores": Path("/data/carillon/recipient"),
        "protocol": "tasks",
        "user data": b"worker-0",
    } == {
        "group": CONFIG.group("recipient"),
        "transactional id": CONFIG.transactional_id("recipient", 7),
        "changelog": CONFIG.changelog("recipient"),
        "dead letters": CONFIG.dead_letters("recipient"),
        "layout": CONFIG.layout,
        "stores": restore.store_folder(CONFIG, "recipient"),
        "protocol": assignor_for("worker-0").name,
        "user data": assignor_for("worker-0").metadata(["a"]).user_data,
    }


def test_keys_of_rows_are_frozen() -> None:
    in_stores = (b"t", b"x", b"moffset", b"mwritten_at", b"mbirth")
    in_changelogs = (b"\xfe", b"\xfd", b"\0", b"\1", b"birth", b"time")
    assert (*in_stores, *in_changelogs) == (
        store.ROW,
        store.EXPIRY,
        store.META_OFFSET,
        store.META_WRITTEN_AT,
        store.META_BIRTH,
        inner.TIMER,
        inner.EFFECT,
        inner.MAY_HAVE_BEGUN,
        inner.NOT_BEGUN,
        restore.BIRTH_KEY,
        restore.TIME_KEY,
    )
