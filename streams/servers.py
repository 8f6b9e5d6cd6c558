"""Where Kafka and Postgres are: given by settings, or those of a `carillon up` that runs now."""

from __future__ import annotations

from pydantic import SecretStr

from connectors.embedded import kafka as embedded_kafka
from connectors.embedded import postgres as embedded_postgres
from connectors.embedded.process import EmbeddedError
from connectors.postgres.database import Database, Waits
from streams.settings import Settings


def with_servers(settings: Settings, bootstrap: str, dsn: str) -> Settings:
    """The settings with addresses of servers filled in."""
    return settings.model_copy(
        update={
            "kafka": settings.kafka.model_copy(update={"bootstrap": bootstrap}),
            "postgres": settings.postgres.model_copy(update={"dsn": SecretStr(dsn)}),
        }
    )


def located(settings: Settings) -> Settings:
    """Settings with the addresses of given servers or of a running `carillon up`, or EmbeddedError."""
    bootstrap = settings.kafka.bootstrap or embedded_kafka.find(settings.data_dir / "kafka")
    given = settings.postgres.dsn
    dsn = given.get_secret_value() if given else embedded_postgres.find(settings.data_dir / "postgres")
    if bootstrap is None or dsn is None:
        missing = "Kafka" if bootstrap is None else "Postgres"
        raise EmbeddedError(
            f"No {missing} is given and none runs here. Start `carillon up` in another terminal, or set "
            f"CARILLON_{'KAFKA__BOOTSTRAP' if bootstrap is None else 'POSTGRES__DSN'}."
        )
    return with_servers(settings, bootstrap, dsn)


def database_of(settings: Settings, waits: Waits | None = None) -> Database:
    """Postgres as configured."""
    dsn = settings.postgres.dsn
    assert dsn is not None
    return Database(dsn.get_secret_value(), size=settings.postgres.connections, waits=waits)
