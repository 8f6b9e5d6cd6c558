"""What the engine counts. One object per process; the names are a closed list (design rule 17)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

TRANSACTION_RECORDS = (1, 5, 20, 100, 500, 2000, 8000, 32000)


class Meters:
    """Counters of stages. Labels are stage names, failure classes and wait reasons: all bounded."""

    def __init__(self, registry: CollectorRegistry, namespace: str = "carillon") -> None:
        """Register every metric of the engine."""
        self.registry = registry

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, namespace=namespace, registry=registry)

        self._transactions = counter("stage_transactions_total", "Transactions committed.", "stage")
        self._consumed = counter(
            "stage_consumed_records_total", "Events handled in committed transactions.", "stage"
        )
        self._produced = counter(
            "stage_produced_records_total", "Records written in committed transactions.", "stage"
        )
        self._swept = counter(
            "stage_expired_rows_total", "Table rows that ended by their time to live.", "stage"
        )
        self._reopened = counter(
            "stage_reopened_tasks_total", "Tasks opened again after a failure.", "stage", "failure"
        )
        self._restored = counter(
            "stage_restored_records_total", "Changelog records read to rebuild a store.", "stage"
        )
        self._dead = counter(
            "stage_dead_letters_total", "Records that went to a dead-letter topic.", "stage", "kind"
        )
        self._size = Histogram(
            "stage_transaction_events",
            "Events per transaction.",
            ("stage",),
            namespace=namespace,
            registry=registry,
            buckets=TRANSACTION_RECORDS,
        )
        self.tasks = Gauge(
            "stage_tasks",
            "Tasks of this worker by state.",
            ("stage", "state"),
            namespace=namespace,
            registry=registry,
        )
        self.buffered = Gauge(
            "stage_buffered_records",
            "Records fetched and not yet handled.",
            ("stage",),
            namespace=namespace,
            registry=registry,
        )
        self.lag = Gauge(
            "stage_lag_records",
            "Records in the inputs behind the tasks here.",
            ("stage",),
            namespace=namespace,
            registry=registry,
        )
        self.effects = Gauge(
            "stage_open_effects",
            "Calls of the outside that are open.",
            ("stage",),
            namespace=namespace,
            registry=registry,
        )

    def committed(self, stage: str, events: int, records: int, swept: int) -> None:
        """One transaction is through."""
        self._transactions.labels(stage).inc()
        self._consumed.labels(stage).inc(events)
        self._produced.labels(stage).inc(records)
        self._size.labels(stage).observe(events)
        if swept:
            self._swept.labels(stage).inc(swept)

    def reopened(self, stage: str, failure: str) -> None:
        """A task opens again."""
        self._reopened.labels(stage, failure).inc()

    def restored(self, stage: str, records: int) -> None:
        """A store was brought up to date."""
        self._restored.labels(stage).inc(records)

    def dead(self, stage: str, *, defect: bool) -> None:
        """A record was buried."""
        self._dead.labels(stage, "defect" if defect else "unreadable").inc()
