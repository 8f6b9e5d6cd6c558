"""A broker that asks who comes (SASL, also over TLS, or a certificate), and knows what each may do (ACLs)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from connectors.embedded.kafka import HOST, EmbeddedKafka, KafkaOptions, free_port
from streams.rights import Right
from tests.certificates import Authority, authority, certified
from tests.servers import embedded

KINDS = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional-id": ResourceType.TRANSACTIONAL_ID,
}
SCRAM = {
    "SCRAM-SHA-256": ScramMechanism.SCRAM_SHA_256,
    "SCRAM-SHA-512": ScramMechanism.SCRAM_SHA_512,
}
PROTOCOLS = ",".join(
    f"{door}:{protocol}"
    for door, protocol in {
        "CONTROLLER": "PLAINTEXT",
        "PLAINTEXT": "PLAINTEXT",
        "SASL_PLAINTEXT": "SASL_PLAINTEXT",
        "SASL_SSL": "SASL_SSL",
        "SSL": "SSL",
    }.items()
)
PLAIN_USER, PLAIN_PASSWORD = "plain", "plain-password"

WORDS = re.compile("(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class GuardedKafka:
    """Addresses of its doors, and the file of whom its certificate is to be trusted for.

    `certificates` is the door for those whom `clients` signed; it knows them by the names they bear.
    """

    sasl: str
    tls: str
    certificates: str
    ca_file: Path
    clients: Authority
    _admin: AdminClient

    def add_user(self, name: str, password: str, mechanism: str = "SCRAM-SHA-512") -> None:
        """Make somebody known."""
        info = ScramCredentialInfo(SCRAM[mechanism], 4096)
        change = UserScramCredentialUpsertion(name, info, password.encode())
        for done in self._admin.alter_user_scram_credentials([change]).values():
            done.result()

    def grant(self, rights: Iterable[Right]) -> None:
        """What `carillon topics acls` prints, without Kafka's own tool."""
        bindings = [
            AclBinding(
                KINDS[right.kind],
                right.name,
                ResourcePatternType.PREFIXED if right.is_prefix else ResourcePatternType.LITERAL,
                f"User:{right.user}",
                "*",
                AclOperation[WORDS.sub("_", operation).upper()],
                AclPermissionType.ALLOW,
            )
            for right in rights
            for operation in right.operations
        ]
        for done in self._admin.create_acls(bindings).values():
            done.result()


@contextmanager
def guarded_kafka(folder: Path) -> Iterator[GuardedKafka]:
    """Started for the length of the block; its last door, in clear, is for the test's own hand."""
    certificate, clients = certified(folder), authority(folder, "clients")
    ports: list[int] = []
    while len(ports) < 5:
        ports.append(free_port(0, beside=ports[-1] if ports else 0))
    plain, controller, sasl, tls, ssl = ports
    doors = f"PLAINTEXT://{HOST}:{plain},SASL_PLAINTEXT://{HOST}:{sasl},SASL_SSL://{HOST}:{tls},SSL://{HOST}:{ssl}"
    login = "org.apache.kafka.common.security"
    known = f'username="x" password="x" user_{PLAIN_USER}="{PLAIN_PASSWORD}"'
    properties: dict[str, object] = {
        "listeners": f"{doors},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": doors,
        "listener.security.protocol.map": PROTOCOLS,
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": certificate,
        "listener.name.ssl.ssl.client.auth": "required",
        "listener.name.ssl.ssl.truststore.type": "PEM",
        "listener.name.ssl.ssl.truststore.location": clients.file,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    for door in ("sasl_plaintext", "sasl_ssl"):
        start = f"listener.name.{door}"
        properties[f"{start}.plain.sasl.jaas.config"] = f"{login}.plain.PlainLoginModule required {known};"
        for name in SCRAM:
            properties[f"{start}.{name.lower()}.sasl.jaas.config"] = (
                f"{login}.scram.ScramLoginModule required;"
            )
    options = KafkaOptions(port=plain, controller_port=controller, properties=properties)
    with embedded(EmbeddedKafka(folder / "kafka", options)) as address:
        admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
        yield GuardedKafka(f"{HOST}:{sasl}", f"{HOST}:{tls}", f"{HOST}:{ssl}", certificate, clients, admin)
