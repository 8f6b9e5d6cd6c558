"""Settings of the engine, and the names it gives to groups, transactions and changelogs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Settings of the engine. Times in ms unless the name says otherwise."""

    bootstrap: str
    app: str
    worker: str
    data_dir: str
    static_id: bool = False
    session_timeout_ms: int = 10_000
    heartbeat_interval_ms: int = 1_000
    transaction_timeout_ms: int = 15_000
    request_timeout_ms: int = 15_000
    retry_backoff_ms: int = 10
    fetch_max_wait_ms: int = 500
    fetch_bytes: int = 2 << 20
    fetch_total_bytes: int = 16 << 20
    prefetch_records: int = 8_000
    delete_retention_ms: int = 7 * 86_400_000
    close_deadline_s: float = 10.0
    lost_store_s: float = 86_400.0
    stuck_after_s: float = 60.0
    store_cache_bytes: int = 64 << 20
    store_write_bytes: int = 64 << 20
    security: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)

    @property
    def brokers(self) -> Mapping[str, Any]:
        """What every client is made with: where the brokers are, and what they want to know."""
        return {"bootstrap_servers": self.bootstrap, **self.security}

    def group(self, stage: str) -> str:
        """Consumer group of a stage; frozen by a snapshot test."""
        return f"{self.app}.{stage}"

    def transactional_id(self, stage: str, task: int) -> str:
        """Fence of a task; frozen by a snapshot test."""
        return f"{self.app}.{stage}.{task}"

    def changelog(self, stage: str) -> str:
        """Changelog topic of a stage; frozen by a snapshot test."""
        return f"{self.app}.{stage}.changelog"

    def dead_letters(self, stage: str) -> str:
        """Dead letters of timers and effect results, which have no input topic."""
        return f"{self.app}.{stage}.dlq"

    @property
    def layout(self) -> str:
        """Topic that tells which stages change their number of tasks; frozen by a snapshot test."""
        return f"{self.app}.layout"
