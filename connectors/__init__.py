"""THE OUTSIDE: providers, Postgres, HTTP routes, embedded servers, Kafka administration, the clock.

May import `schemas`. Must not know `agents`, `tables`, `streams` or faust: decided here is only how to talk.
"""
