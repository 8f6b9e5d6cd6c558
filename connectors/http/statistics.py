"""`GET …/stats/delivery`: sums and rates of a period (NS-API-060, NS-API-061, NS-API-OP-18, NS-STAT-OP-03).

From the hours that the sink writes, so times are taken as whole hours; the answer says which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta

from connectors.http.operation import Answer, Operation, Variable
from connectors.http.problems import Code, Fault, ProblemError, json_response
from connectors.http.send import RETRY_SOON
from connectors.http.send_form import ROOT
from connectors.http.state_forms import Time
from connectors.postgres.errors import PostgresUnavailableError
from connectors.statistics import Asked
from schemas.statistics import ASKED, COST, cost_of, rates
from schemas.times import parse_rfc3339, rfc3339
from schemas.words import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp import web

    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace
    from connectors.statistics import Group

PATH: Final = f"{ROOT}/stats/delivery"
HOUR_MS: Final = 3_600_000
LONGEST_DAYS: Final = 92
LONGEST_NAME: Final = 100
A_TIME: Final = {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}], "maxLength": 64}
NAMES: Final = ("start_date", "end_date", "channel_type", "notification_type")
Rate = Annotated[float | None, Meta(description="Null where there is nothing to divide by.")]


class StatsPeriod(msgspec.Struct, frozen=True):
    """The whole hours that were counted."""

    start_date: Time
    end_date: Annotated[Time, Meta(description="Exclusive.")]


class StatsSums(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages; `skipped`, `unsubscribed`: how many requests and users, too."""

    sent: int
    delivered: int
    failed: int
    opened: int
    clicked: int
    unsubscribed: int
    skipped: int
    priced: Annotated[int, Meta(description="Sent messages whose cost is known.")]
    cost_micros: Annotated[
        int | None,
        Meta(description="What those cost, in millionths of the installation's currency; null: not known."),
    ]


class StatsRates(msgspec.Struct, frozen=True, kw_only=True):
    """Rounded to four digits."""

    delivery_rate: Annotated[Rate, Meta(description="Delivered ÷ sent, of providers that report deliveries.")]
    unreported_rate: Annotated[Rate, Meta(description="Sent by providers that report none ÷ sent.")]
    open_rate: Annotated[Rate, Meta(description="Opened ÷ delivered, of providers that report openings.")]
    ctr: Annotated[Rate, Meta(description="Clicked ÷ delivered, of providers that report clicks.")]
    unmeasured_rate: Annotated[
        Rate, Meta(description="Delivered by providers that report no opening ÷ delivered.")
    ]
    unsubscribe_rate: Annotated[Rate, Meta(description="Unsubscribed ÷ delivered.")]


class StatsLine(StatsSums, frozen=True, kw_only=True):
    """The sums of one channel and type; null where a count has none, as a request that became no message."""

    channel_type: str | None
    notification_type: str | None


class DeliveryStats(msgspec.Struct, frozen=True):
    """Statistics of a period; `totals` are the sums of `breakdown`."""

    period: StatsPeriod
    totals: StatsSums
    rates: StatsRates
    breakdown: list[StatsLine]


EXAMPLE: Final = DeliveryStats(
    StatsPeriod("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
    StatsSums(
        sent=1000,
        delivered=950,
        failed=20,
        opened=300,
        clicked=57,
        unsubscribed=3,
        skipped=41,
        priced=1000,
        cost_micros=3_500_000_000,
    ),
    StatsRates(
        delivery_rate=0.95,
        unreported_rate=0.0,
        open_rate=0.3158,
        ctr=0.06,
        unmeasured_rate=0.0,
        unsubscribe_rate=0.0032,
    ),
    [
        StatsLine(
            channel_type="email",
            notification_type="marketing_promo",
            sent=1000,
            delivered=950,
            failed=20,
            opened=300,
            clicked=57,
            unsubscribed=3,
            skipped=41,
            priced=1000,
            cost_micros=3_500_000_000,
        )
    ],
)
OPERATION: Final = Operation(
    summary="Delivery statistics of a period",
    about=(
        "Each message counts in the hour in which it was sent, delivered, opened …, by the provider's time."
        " What becomes known later corrects that hour for seven days, so recent sums still grow."
        " `docs/data.md` tells the same numbers from the topic and from SQL."
    ),
    variables=(
        Variable(
            "start_date",
            f"RFC 3339, or a day of UTC. At most {LONGEST_DAYS} days before `end_date`; begun hours count.",
            A_TIME,
            "2026-11-01",
            "query",
            is_needed=True,
        ),
        Variable("end_date", "Exclusive.", A_TIME, "2026-12-01", "query", is_needed=True),
        Variable(
            "channel_type",
            "Of this channel only.",
            {"type": "string", "enum": [channel.value for channel in Channel]},
            "email",
            "query",
        ),
        Variable(
            "notification_type",
            "Of this type only.",
            {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
            "marketing_promo",
            "query",
        ),
    ),
    answers=(Answer(200, "The sums; zeros where nothing happened.", DeliveryStats, {"a month": EXAMPLE}),),
    refusals=(
        ProblemError(Code.INVALID_FIELD, [Fault("", "end_date: must be later than start_date")]),
        ProblemError(Code.DATABASE_UNAVAILABLE, headers=RETRY_SOON),
    ),
)


class DeliveryGet:
    """The handler."""

    def __init__(self, ports: EdgePorts) -> None:
        self._count = ports.count_delivery

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer the sums."""
        asked = asked_of(request.query)
        try:
            groups = await self._count(asked)
        except PostgresUnavailableError:
            raise ProblemError(Code.DATABASE_UNAVAILABLE, headers=RETRY_SOON) from None
        return json_response(msgspec.json.encode(told(asked, groups)), trace.request_id)


def asked_of(query: Mapping[str, str]) -> Asked:
    """Whole hours and filters of a query; `ProblemError` that names each parameter at fault."""
    faults = [f"{name}: is unknown" for name in query if name not in NAMES]
    start_at, end_at = (_time(name, query.get(name), faults) for name in NAMES[:2])
    channel, kind = query.get("channel_type"), query.get("notification_type")
    if channel is not None and channel not in set(Channel):
        faults.append("channel_type: is none")
    if kind is not None and not (0 < len(kind) <= LONGEST_NAME and "\x00" not in kind):
        faults.append("notification_type: is none")
    if not faults and start_at >= end_at:
        faults.append("end_date: must be later than start_date")
    if not faults and end_at - start_at > LONGEST_DAYS * 24 * HOUR_MS:
        faults.append(f"end_date: at most {LONGEST_DAYS} days after start_date")
    if faults:
        raise ProblemError(Code.INVALID_FIELD, [Fault("", fault) for fault in faults])
    return Asked(start_at - start_at % HOUR_MS, end_at + -end_at % HOUR_MS, channel, kind)


def _time(name: str, given: str | None, faults: list[str]) -> int:
    if given is None:
        faults.append(f"{name}: is missing")
        return 0
    try:
        return parse_rfc3339(given if "T" in given.upper() or " " in given else f"{given}T00:00:00Z")
    except ValueError as error:
        faults.append(f"{name}: {error}")
        return 0


def told(asked: Asked, groups: Sequence[Group]) -> DeliveryStats:
    """What was counted, in the words of the document."""
    lines: dict[tuple[str | None, str | None], dict[str, int]] = {}
    senders: dict[tuple[str | None, str | None], dict[str, int]] = {}
    totals: dict[str, int] = dict.fromkeys(ASKED, 0)
    for group in groups:
        line = lines.setdefault((group.channel_type, group.notification_type), dict.fromkeys(ASKED, 0))
        sender = senders.setdefault((group.channel_type, group.provider_name), dict.fromkeys(ASKED, 0))
        for sums in (line, sender, totals):
            for metric in ASKED:
                sums[metric] += group.sums.get(metric, 0)
    return DeliveryStats(
        StatsPeriod(rfc3339(asked.start_at), rfc3339(asked.end_at)),
        StatsSums(**_sums(totals)),
        StatsRates(**rates(senders.values())),
        [
            StatsLine(channel_type=channel, notification_type=kind, **_sums(sums))
            for (channel, kind), sums in lines.items()
        ],
    )


def _sums(counted: Mapping[str, int]) -> dict[str, Any]:
    """As they are told: a cost of which nothing is known is none."""
    return {**counted, COST: cost_of(counted)}
