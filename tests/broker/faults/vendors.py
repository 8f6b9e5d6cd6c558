"""The sample reference data with vendors' adapters in place of the project's own kinds of providers."""

from __future__ import annotations

from shutil import copytree
from typing import TYPE_CHECKING, Any

import yaml

from tests.broker.faults.reconcile import EXAMPLES
from tests.contract.push_rigs import apns_config
from tests.contract.rigs import FROM, SHOP, TWILIO

if TYPE_CHECKING:
    from pathlib import Path


def with_vendors(folder: Path, fake: dict[str, Any]) -> Path:
    """A copy of the samples whose mail, texts and pushes go to fakes of vendors' wires, under the same names.

    Without an idempotency key each of them would send twice whatever is called twice.
    """
    url = fake["url"]
    mail = {**FROM, "api_key": "any", "url": f"{url}/sendgrid"}
    twilio = {**TWILIO, "secret": "any", "url": f"{url}/twilio"}
    smsc = {**SHOP, "password": "any", "url": f"{url}/smsc"}
    providers = [
        _provider("mail", "email", "sendgrid", mail),
        _provider("sms-main", "sms", "twilio", twilio),
        _provider("sms-reserve", "sms", "smsc", smsc) | {"priority": 0},
        _provider("push", "push", "apns", apns_config(fake["apns_url"])),
    ]
    copytree(EXAMPLES, folder)
    (folder / "providers.yaml").write_text(yaml.safe_dump(providers), encoding="utf-8")
    return folder


def _provider(name: str, channel: str, kind: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "channel_type": channel, "kind": kind, "config": config, "priority": 10}
