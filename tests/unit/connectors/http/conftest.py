"""The API of templates, for whichever test asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.connectors.http.template_api import Api, template_api


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with template_api() as one:
        yield one
