"""The routes of devices do what their document says."""

from __future__ import annotations

import pytest

from connectors.http import devices
from connectors.http.openapi import PUBLIC, encoded
from connectors.http.routes import DEVICES, app_of
from tests.fuzz.documented import driven
from tests.fuzz.test_documented import DRAWN, SCREEN, edge_ports


def test_devices_do_what_their_document_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "LOOK_S", 0)
    monkeypatch.setattr(devices, "LOOKS", 1)
    app = app_of(DEVICES, edge_ports(), PUBLIC)
    found = driven(app, encoded(PUBLIC, DEVICES), DRAWN // 2, SCREEN)
    assert {} == found.faults
    paths = {f"{route.method} {route.path}" for route in DEVICES}
    assert paths == {label for label, status in found.answered if status in {200, 201}}
    assert {status for _, status in found.answered} >= {201, 400, 404, 503}
