"""Keep the books of a run: what the input file demands against what Postgres, Kafka and the providers hold.

    python -m examples.books --bootstrap HOST:PORT --dsn postgresql://… --ledger FILE [--report FILE]
    python -m examples.books --expect

Expected ids come from `requests.ndjson` and the YAML files beside it. Nothing of the product is imported: not
its rooms, not its ids, not its words. Ends 0 only if every set of ids is equal, 1 otherwise; prints what
differs, by id.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from examples.accounts import outside, topics
from examples.accounts.compare import Check, compare
from examples.accounts.expected import Expected, expect
from examples.accounts.found import Found, task_of, told_of
from examples.accounts.reading import catalogue, numbered
from examples.accounts.seen import fact_id

HERE = Path(__file__).parent
EVENTS, STATS = "notification.events", "notification.stats"
MONEY = frozenset({"priced", "cost_micros"})
"""Metrics that no event counts: of how many messages the cost is known, and what they cost."""
SHOWN = 10
ASKED_FOR = ("unsubscribed_all_marketing", "type_disabled", "no_contact", None)


def main() -> int:
    """Parse the arguments, compare, print; the exit code."""
    given = _arguments()
    expected = expect(catalogue(given.input.parent), numbered(given.input))
    if given.expect:
        print(json.dumps(totals(expected)))
        return 0
    found = asyncio.run(gather(given.bootstrap, given.dsn, given.ledger))
    checks = compare(expected, found)
    for line in told(checks):
        print(line)
    if given.report:
        given.report.write_text(json.dumps(report(found, checks)), encoding="utf-8")
    return 0 if all(one.wanted == one.got for one in checks) else 1


def totals(expected: Expected) -> dict[str, int]:
    """How much must come out: what to wait for."""
    made = [message for messages in expected.messages.values() for message in messages]
    return {"requests": expected.requests, "messages": len(made), "dead": len(expected.dead)}


async def gather(bootstrap: str, dsn: str, ledger: Path) -> Found:
    """Read everything there is."""
    found = Found()
    await outside.read_rows(dsn, found)
    outside.read_ledger(ledger, found)
    records = await topics.read(bootstrap, (EVENTS, STATS, topics.SCHEMAS, "channel.", "seen."), ".dlq")
    read_avro = topics.AvroReader(records.get(topics.SCHEMAS, []))
    found.told = [told_of(record.json()) for record in records.get(EVENTS, [])]
    found.stats = _hours(records.get(STATS, []))
    for topic, held in records.items():
        if topic.endswith(".dlq"):
            found.dead.update(
                (topic.removesuffix(".dlq"), int(one.headers.get("line", b"0"))) for one in held
            )
        elif topic.startswith("channel."):
            found.tasks += [task_of(read_avro(one)) for one in held]
        elif topic.startswith("seen."):
            found.seen[topic] = Counter(_fact(one.json()) for one in held)
    return found


def _hours(records: list[topics.Record]) -> Counter[str]:
    """Sums of the hour records, of what events count; the last record of a key counts (NS-EVT-OP-05)."""
    last = {one.key: one.json() for one in records if one.value}
    sums: Counter[str] = Counter()
    for record in last.values():
        if record["period"] == "hour":
            sums.update(record["metrics"])
    return Counter({name: count for name, count in sums.items() if count and name not in MONEY})


def _fact(fact: dict[str, Any]) -> str:
    return fact_id(fact["event_type"], fact["tag"], fact["id"], fact.get("user"))


def told(checks: list[Check]) -> list[str]:
    """One line for each check, and the ids that differ."""
    lines = []
    for one in checks:
        balanced = one.wanted == one.got
        lines.append(f"{'ok  ' if balanced else 'DIFF'} {one.got.total():6} {one.name}")
        for word, ids in (("missing", one.missing), ("surplus", one.surplus)):
            lines += [f"       {word}: {each}" for each in ids[:SHOWN]]
            lines += [f"       … {len(ids) - SHOWN} more {word}"] if len(ids) > SHOWN else []
    return lines


def report(found: Found, checks: list[Check]) -> dict[str, Any]:
    """What was found, counted, for the demo's table."""
    outcomes = Counter((row.outcome, row.reason) for row in found.requests)
    messages = Counter((row.channel, row.status, row.reason) for row in found.messages)
    return {
        "balanced": all(one.wanted == one.got for one in checks),
        "checks": [[one.name, one.got.total(), one.wanted == one.got] for one in checks],
        "outcomes": [[*key, count] for key, count in sorted(outcomes.items(), key=repr)],
        "messages": [[*key, count] for key, count in sorted(messages.items(), key=repr)],
        "dead": sorted(Counter(topic for topic, _ in found.dead.elements()).items()),
        "seen": sorted((topic, facts.total()) for topic, facts in found.seen.items()),
        "calls": len(found.calls),
        "samples": _samples(found),
    }


def _samples(found: Found) -> dict[str, str | None]:
    """Ids worth a closer look: a mail that was taken, and a request whose ending asks for a reason."""
    mails = [call.message_id for call in found.calls if call.is_taken and call.channel == "email"]
    by_reason = {row.reason: row.request_id for row in found.requests}
    why = next((by_reason[reason] for reason in ASKED_FOR if reason in by_reason), None)
    return {"mail": mails[-1] if mails else None, "why": why}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--input", type=Path, default=HERE / "requests.ndjson", help="what was fed; YAML files beside it"
    )
    parser.add_argument("--expect", action="store_true", help="only print how much must come out, as JSON")
    parser.add_argument("--bootstrap", help="a Kafka broker, host:port")
    parser.add_argument("--dsn", help="the Postgres database")
    parser.add_argument("--ledger", type=Path, help="the fake providers' ledger")
    parser.add_argument("--report", type=Path, help="write what was found, counted, as JSON")
    given = parser.parse_args()
    if not given.expect and not (given.bootstrap and given.dsn and given.ledger):
        parser.error("--bootstrap, --dsn and --ledger are needed, or --expect")
    return given


if __name__ == "__main__":
    sys.exit(main())
