"""Feeds numbered requests on a fixed schedule, whatever the broker does, and keeps when it took each.

A process of its own: in another's thread its clock would stand still while that one computes.
"""

from __future__ import annotations

import argparse
import signal
import time
from array import array
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Producer

from bench.asked import request
from bench.stock import WAIT_S, feeder
from bench.waits import at_share
from schemas import topics

WAITING = 100_000
FLOOD_LINGER_MS = 20
AT_ONCE = 100
AHEAD_S = 0.5
"""From saying when it begins to the first request."""
LONGEST_LOOK_S = 0.005


def main(options: argparse.Namespace) -> None:
    """Feed, keep the times, say so, and wait to be ended."""
    began = time.time() + AHEAD_S
    print("BEGAN", began, flush=True)
    producer = feeder(options.bootstrap, linger_ms=0 if options.rate else FLOOD_LINGER_MS)
    times = array("d", bytes(8 * options.count))
    time.sleep(max(began - time.time(), 0.0))
    late = _paced(producer, times, began, options) if options.rate else _flood(producer, times, options)
    assert producer.flush(WAIT_S) == 0, "the broker does not take the requests"
    options.acknowledgements.write_bytes(times.tobytes())
    print("FED", at_share(sorted(late), 0.99) if late else 0.0, flush=True)
    signal.pause()


def _paced(producer: Producer, times: array[float], began: float, options: argparse.Namespace) -> list[float]:
    """One request after the other, each at its time; how late they were, ms."""
    late = []
    for place in range(options.count):
        due = began + place / options.rate
        while (wait := due - time.time()) > 0:
            producer.poll(min(wait, LONGEST_LOOK_S))
        late.append((time.time() - due) * 1000)
        _send(producer, times, options, place)
        producer.poll(0)
    return late


def _flood(producer: Producer, times: array[float], options: argparse.Namespace) -> list[float]:
    """As fast as the broker takes them, so none is late."""
    for place in range(options.count):
        _send(producer, times, options, place)
        if place % AT_ONCE == 0:
            producer.poll(0)
            while len(producer) > WAITING:
                producer.poll(0.01)
    return []


def _send(producer: Producer, times: array[float], options: argparse.Namespace, place: int) -> None:
    key, value, headers = request(options.first + place, options.priority or None, mails=options.mails)
    producer.produce(topics.SEND_REQUEST, value, key, headers=headers, on_delivery=_noting(times, place))


def _noting(times: array[float], place: int) -> Callable[[object, object], None]:
    def note(error: object, _message: object) -> None:
        assert error is None, error
        times[place] = time.time() * 1000

    return note


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="a second; 0: as fast as they are taken")
    parser.add_argument("--priority", default="")
    parser.add_argument("--mails", action="store_true", help="nothing but mails")
    parser.add_argument(
        "--acknowledgements", type=Path, required=True, help="file of ms of wall time, as doubles"
    )
    main(parser.parse_args())
