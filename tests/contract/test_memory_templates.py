"""Templates in memory keep what every store of templates promises."""

from __future__ import annotations

import pytest

from connectors.memory_templates import MemoryTemplates
from tests.marketing_promises import MarketingPromises
from tests.template_promises import Opened


class TestMemoryTemplates(MarketingPromises):
    @pytest.fixture
    async def opened(self) -> Opened:
        self.memory = MemoryTemplates()
        return self.memory.opened

    async def use(self, name: str) -> None:
        self.memory.types[name], self.memory.categories[name] = ["welcome"], {"system"}
