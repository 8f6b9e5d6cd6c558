"""Topics of access: API keys and the audit log, a part of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas import records as r
from schemas import topics as t
from schemas.topics import Form, Partitions, Topic, Use

if TYPE_CHECKING:
    from collections.abc import Iterator


def access_topics() -> Iterator[Topic]:
    """Keys as every HTTP process reads them; lines of the audit log for whoever keeps such."""
    yield Topic(
        name=t.KEYS,
        use=Use.REFERENCE,
        key="key id",
        records=(r.ApiKey,),
        about="API keys by their hashes, read whole by every HTTP process.",
        writers=("keys", "http"),
        readers=("http",),
        form=Form.JSON,
        partitions=Partitions.ONE,
        retention_ms=None,
        extra=t.COMPACTED,
    )
    yield Topic(
        name=t.AUDIT,
        use=Use.PUBLIC_OUT,
        key="id of the line",
        records=(r.ChangeLogged,),
        about="Who changed what (NS-SEC-OP-03); a line may come twice, with one id.",
        writers=("apply", "keys", "http"),
        readers=("auditors",),
        form=Form.JSON,
        partitions=Partitions.ONE,
        retention_ms=3 * 365 * t.DAY_MS,
    )
