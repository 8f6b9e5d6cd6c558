"""Postgres: migrations, the rows the sink writes, reference data and its outbox, the questions of `why`."""
