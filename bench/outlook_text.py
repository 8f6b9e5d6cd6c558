"""The outlook in words: a table of limits, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence

from bench.outlook import Limit, Outlook

TEXT = """\
## A cluster of brokers and {partitions:,} partitions

Nothing in this part was measured: it is the tables above times a cluster that is assumed. {brokers}
brokers with {broker_cores} cores each, {workers} workers with {worker_cores}; {requests:,} requests/s,
{hops} transactions on the way of each; {keys:,} rows in all tables; {partitions:,} partitions times {stages}
stages that own producers = {tasks:,} tasks. Costs are taken to grow in proportion. Replication was not
measured: followers fetch every record again, so what is said of brokers is the least that they need.

| what | needed | there is | used | comes from |
| --- | ---: | ---: | ---: | --- |
{rows}

**First breaks: {first}.** {others}

- **Transactions.** One belongs to one task, so the same requests over more partitions make more and
  smaller ones. The brokers' CPU carries {transactions:,.0f} a second; when all {tasks:,} tasks are busy,
  each may commit once in {pace:,.1f} s. The levers, in this order: a slower pace
  (`CARILLON_ENGINE__INTERVAL_NORMAL_MS`, `…_SLOW_MS`), fewer partitions, one transaction over several
  tasks of a process (not built), more brokers.
- **Idle producers.** {idle_brokers:.1f} cores of the brokers and {idle_workers:.1f} of the workers do
  nothing but fetch, beat and wait.
- **A lost disk.** {lost:,.0f} rows are read again; {restorers:,} workers or more keep that within
  {back:g} s. It counts rows: a changelog that was not compacted has more records than rows.
- **A lost worker.** The session takes {session:g} s of it, opening {moved:.0f} more tasks with their
  disk {opening:.1f} s.
"""


def told(outlook: Outlook) -> str:
    """The page's last part."""
    cluster, measured, limits = outlook.cluster, outlook.measured, outlook.limits()
    need = {one.name: one.need for one in limits}
    return TEXT.format(
        partitions=cluster.partitions,
        stages=cluster.stages,
        brokers=cluster.brokers,
        broker_cores=cluster.broker_cores,
        workers=cluster.workers,
        worker_cores=cluster.worker_cores,
        requests=cluster.requests_per_s,
        hops=cluster.hops,
        keys=cluster.keys,
        tasks=cluster.tasks,
        rows="\n".join(map(_row, limits)),
        first=f"{limits[0].name} ({limits[0].used:.0%})",
        others=_others(limits),
        transactions=outlook.transactions,
        pace=outlook.pace_s,
        idle_brokers=need["idle producers, brokers' CPU"],
        idle_workers=need["idle tasks, workers' CPU"],
        lost=cluster.keys / cluster.workers,
        restorers=outlook.workers_to_restore,
        back=cluster.back_s,
        session=cluster.session_s,
        moved=cluster.moved,
        opening=cluster.moved * measured.open_s,
    )


def _row(one: Limit) -> str:
    need, have = (
        f"{amount:,.{0 if amount >= 100 else 1}f} {one.unit}".strip() for amount in (one.need, one.have)
    )
    return f"| {one.name} | {need} | {have} | {one.used:.0%} | {one.source} |"


def _others(limits: Sequence[Limit]) -> str:
    broken = [f"{one.name} ({one.used:.0%})" for one in limits[1:] if one.used > 1]
    return (
        f"Beyond what there is, too: {', '.join(broken)}."
        if broken
        else "Nothing else is beyond what there is."
    )
