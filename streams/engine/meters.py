"""What the engine counts. One object per process; the names are a closed list (design rule 17)."""

from __future__ import annotations

from collections.abc import Mapping

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
        self._tasks = Gauge(
            "stage_tasks",
            "Tasks of this worker by state.",
            ("stage", "state"),
            namespace=namespace,
            registry=registry,
        )
        self._buffered = Gauge(
            "stage_buffered_records",
            "Records fetched and not yet handled.",
            ("stage",),
            namespace=namespace,
            registry=registry,
        )
        self._lag = Gauge(
            "stage_lag_records",
            "Records in the inputs behind the tasks here.",
            ("stage",),
            namespace=namespace,
            registry=registry,
        )
        self._known_states: dict[str, set[str]] = {}

    def committed(self, stage: str, events: int, records: int, swept: int) -> None:
        """One transaction is through."""
        self._transactions.labels(stage).inc()
        self._consumed.labels(stage).inc(events)
        self._produced.labels(stage).inc(records)
        self._size.labels(stage).observe(events)
        if swept:
            self._swept.labels(stage).inc(swept)

    def standing(self, stage: str, states: Mapping[str, int], buffered: int, lag: int) -> None:
        """What stands in the stage now; a state that no task is in any more goes back to 0."""
        known = self._known_states.setdefault(stage, set())
        known.update(states)
        for state in known:
            self._tasks.labels(stage, state).set(states.get(state, 0))
        self._buffered.labels(stage).set(buffered)
        self._lag.labels(stage).set(lag)

    def reopened(self, stage: str, failure: str) -> None:
        """A task opens again."""
        self._reopened.labels(stage, failure).inc()

    def restored(self, stage: str, records: int) -> None:
        """A store was brought up to date."""
        self._restored.labels(stage).inc(records)

    def dead(self, stage: str, *, defect: bool) -> None:
        """A record was buried."""
        self._dead.labels(stage, "defect" if defect else "unreadable").inc()
