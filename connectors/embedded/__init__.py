"""Real Kafka and real Postgres out of Python packages: no Docker, no JDK, no Postgres to be installed."""
