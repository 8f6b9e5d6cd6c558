"""What every store of templates promises about a writer of one category (NS-TPL-OP-01)."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.access.actor import Actor
from connectors.templates import faults as f
from connectors.templates import shelf
from schemas.records import Template
from tests.template_promises import Opened, TemplatePromises, text

MIA = shelf.Change("mia", actor=Actor("user:mia", "marketer", None), only="marketing")


def sale(name: str = "sale", **changes: Any) -> Template:
    way_out = {"body": "{{ UnsubscribeUrl }}", "variables": {"UnsubscribeUrl": {"type": "string"}}}
    return text(name, **(way_out | {"category": "marketing"} | changes))


class MarketingPromises(TemplatePromises):
    """A subclass gives what `TemplatePromises` asks for; its type is none of marketing."""

    async def refused(self, opened: Opened, stored: shelf.Stored, template: Template) -> None:
        with pytest.raises(f.ForeignTemplateError):
            async with opened(writes=True) as rows:
                await shelf.edit(rows, stored.template_id, template, MIA, None)

    @pytest.mark.spec("NS-TPL-OP-01")
    async def test_a_marketer_makes_edits_and_puts_back_what_is_of_marketing(self, opened: Opened) -> None:
        stored = await self.made(opened, sale(), MIA)
        async with opened(writes=True) as rows:
            changed = sale(body="now {{ UnsubscribeUrl }}")
            await shelf.edit(rows, stored.template_id, changed, MIA, None)
            back = await shelf.roll_back(rows, stored.template_id, 1, MIA, None)
        assert ("{{ UnsubscribeUrl }}", 3) == (back.template.body, back.template.version)

    @pytest.mark.spec("NS-TPL-OP-01")
    @pytest.mark.parametrize(
        "template", [text(), text("_part"), sale("_part")], ids=["other", "part", "its_part"]
    )
    async def test_he_makes_nothing_else(self, opened: Opened, template: Template) -> None:
        with pytest.raises(f.ForeignTemplateError):
            await self.made(opened, template, MIA)

    @pytest.mark.spec("NS-TPL-OP-01")
    async def test_he_adds_no_language_to_what_others_send(self, opened: Opened) -> None:
        """Mutation tried: only the new one's own category asked for: a code's text would be his in French."""
        await self.made(opened, text())
        with pytest.raises(f.ForeignTemplateError):
            await self.made(opened, sale("hello", language="fr"), MIA)

    @pytest.mark.spec("NS-TPL-OP-01")
    async def test_he_writes_nothing_that_a_type_of_another_category_sends(self, opened: Opened) -> None:
        stored = await self.made(opened, sale(), MIA)
        await self.use("sale")
        await self.refused(opened, stored, sale(body="now {{ UnsubscribeUrl }}"))

    @pytest.mark.spec("NS-TPL-OP-01")
    async def test_he_takes_nothing_out_of_marketing_and_nothing_into_it(self, opened: Opened) -> None:
        stored = await self.made(opened, sale(), MIA)
        await self.refused(opened, stored, sale(category="transactional"))
        other = await self.made(opened, text())
        await self.refused(opened, other, sale("hello"))
