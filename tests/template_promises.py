"""What every store of templates promises; one suite for Postgres and for memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from connectors.postgres.template_rows import Wanted
from connectors.templates import faults as f
from connectors.templates import shelf
from connectors.templates.bundle import among, bundled
from schemas.ids import derived
from schemas.records import Template

Opened = Callable[..., AbstractAsyncContextManager[Any]]
ANN = shelf.Change("ann")
NOBODY = derived("template", "nobody")


def text(name: str = "hello", language: str = "ru", body: str = "one", **fields: Any) -> Template:
    return Template(name=name, channel_type="sms", language_code=language, body=body, **fields)


class TemplatePromises:
    """A subclass gives `opened(writes=…)`, and `use(name)`: a notification type now sends that template."""

    @pytest.fixture
    async def opened(self) -> Any:
        raise NotImplementedError

    async def use(self, name: str) -> None:
        raise NotImplementedError

    async def made(self, opened: Opened, template: Template, change: shelf.Change = ANN) -> shelf.Stored:
        async with opened(writes=True) as rows:
            stored, _ = await shelf.create(rows, template, change)
        assert isinstance(stored, shelf.Stored)
        return stored

    async def edited(
        self, opened: Opened, stored: shelf.Stored, template: Template, expected: int | None = None
    ) -> shelf.Stored:
        async with opened(writes=True) as rows:
            return await shelf.edit(rows, stored.template_id, template, ANN, expected)

    async def filed(self, opened: Opened, *templates: Template, **options: Any) -> shelf.Filed:
        whole = [bundled(each, among(templates)) for each in templates]
        async with opened(writes=True) as rows:
            return await shelf.file_in(rows, whole, options.pop("known", {}), **options)

    async def in_force(self, opened: Opened, name: str = "hello", language: str = "ru") -> tuple[str, int]:
        async with opened(writes=False) as rows:
            stored = await rows.by_name(name, "sms", language)
        return stored.template.body, stored.template.version

    async def test_ns_tpl_012_what_is_made_is_read_again(self, opened: Opened) -> None:
        template = text(body="{{ A }}", variables={"A": {"type": "string"}})
        stored = await self.made(opened, template)
        async with opened(writes=False) as rows:
            assert stored == await rows.by_id(stored.template_id)
            assert template == stored.template
            assert await rows.by_id(NOBODY) is None

    async def test_ns_data_021_a_second_one_of_the_name_is_refused(self, opened: Opened) -> None:
        stored = await self.made(opened, text())
        with pytest.raises(f.DuplicateTemplateError) as caught:
            await self.made(opened, text(body="two"))
        assert (stored.template_id, ("one", 1)) == (caught.value.template_id, await self.in_force(opened))

    async def test_a_repeated_request_makes_one_template(self, opened: Opened) -> None:
        change = shelf.Change("ann", "ann:key")
        async with opened(writes=True) as rows:
            first, was_made = await shelf.create(rows, text(), change)
        async with opened(writes=True) as rows:
            assert (first, False, True) == (*(await shelf.create(rows, text(), change))[:1], was_made, True)
            with pytest.raises(f.OtherRequestError):
                await shelf.create(rows, text(body="two"), change)

    async def test_ns_data_op_04_each_edit_is_a_version_and_none_is_lost(self, opened: Opened) -> None:
        stored = await self.made(opened, text())
        await self.edited(opened, stored, text(body="two"), 1)
        async with opened(writes=False) as rows:
            versions = await rows.versions(stored.template_id, None, 10)
            assert [("two", 2, "ann"), ("one", 1, "ann")] == [
                (each.template.body, each.template.version, each.author) for each in versions
            ]
            assert [1] == [each.template.version for each in await rows.versions(stored.template_id, 2, 10)]
            assert "one" == (await rows.text(stored.template_id, 1)).body
            assert await rows.text(stored.template_id, 3) is None

    async def test_an_edit_of_another_version_than_the_one_in_force_is_refused(self, opened: Opened) -> None:
        stored = await self.made(opened, text())
        await self.edited(opened, stored, text(body="two"), 1)
        with pytest.raises(f.StaleTemplateError, match="version 2 is in force"):
            await self.edited(opened, stored, text(body="three"), 1)
        assert ("two", 2) == await self.in_force(opened)

    async def test_an_edit_that_is_so_already_makes_no_version(self, opened: Opened) -> None:
        stored = await self.made(opened, text())
        again = await self.edited(opened, stored, text(), 7)
        assert (1, ("one", 1)) == (again.template.version, await self.in_force(opened))

    async def test_a_template_cannot_be_renamed_and_an_unknown_one_not_edited(self, opened: Opened) -> None:
        stored = await self.made(opened, text())
        with pytest.raises(f.RenamedTemplateError):
            await self.edited(opened, stored, text("other"))
        with pytest.raises(f.UnknownTemplateError):
            await self.edited(opened, stored._replace(template_id=NOBODY), text())

    async def test_ns_tpl_op_06_what_could_not_be_sent_is_not_stored(self, opened: Opened) -> None:
        stored = await self.made(opened, text())
        with pytest.raises(f.InvalidTemplateError, match="undeclared variables: A"):
            await self.edited(opened, stored, text(body="{{ A }}"))
        assert ("one", 1) == await self.in_force(opened)

    async def test_a_rollback_is_a_version_with_an_old_text(self, opened: Opened) -> None:
        stored = await self.made(opened, text())
        await self.edited(opened, stored, text(body="two"))
        async with opened(writes=True) as rows:
            await shelf.roll_back(rows, stored.template_id, 1, ANN, 2)
        assert ("one", 3) == await self.in_force(opened)
        with pytest.raises(f.UnknownTemplateError):
            async with opened(writes=True) as rows:
                await shelf.roll_back(rows, stored.template_id, 9, ANN, None)

    async def test_ns_tpl_014_a_deleted_template_is_gone_and_its_name_free(self, opened: Opened) -> None:
        stored = await self.made(opened, text())
        async with opened(writes=True) as rows:
            await shelf.remove(rows, stored.template_id, None)
        async with opened(writes=False) as rows:
            assert await rows.by_id(stored.template_id) is None
            assert ([], 0) == await rows.page(Wanted())
        again = await self.made(opened, text())
        assert (3, False) == (again.template.version, again.template_id == stored.template_id)
        async with opened(writes=False) as rows:
            assert [3] == [each.template.version for each in await rows.versions(again.template_id, None, 9)]

    async def test_ns_tpl_op_04_what_a_type_sends_is_not_deleted(self, opened: Opened) -> None:
        english = await self.made(opened, text(language="en"))
        await self.use("hello")
        with pytest.raises(f.TemplateInUseError) as caught:
            async with opened(writes=True) as rows:
                await shelf.remove(rows, english.template_id, None)
        russian = await self.made(opened, text())
        with pytest.raises(f.TemplateInUseError):  # who reads German would get nothing
            async with opened(writes=True) as rows:
                await shelf.remove(rows, russian.template_id, None)
        assert ["type:welcome"] == caught.value.faults
        async with opened(writes=True) as rows:
            await shelf.remove(rows, english.template_id, 1)  # who reads English gets Russian
        with pytest.raises(f.TemplateInUseError):
            async with opened(writes=True) as rows:
                await shelf.remove(rows, russian.template_id, None)

    async def test_an_edited_part_gives_every_template_that_uses_it_a_version(self, opened: Opened) -> None:
        part = await self.made(opened, text("_end", body="old"))
        user = await self.made(opened, text(body="{% include '_end' %}"))
        await self.made(opened, text("alone"))
        await self.edited(opened, part, text("_end", body="new"))
        async with opened(writes=False) as rows:
            found = await rows.by_id(user.template_id)
            assert ({"_end": {"body": "new"}}, 2) == (found.template.parts, found.template.version)
            assert {"_end": {"body": "old"}} == (await rows.text(user.template_id, 1)).parts
        assert ("one", 1) == await self.in_force(opened, "alone")

    async def test_a_part_that_would_break_a_template_is_refused_with_its_name(self, opened: Opened) -> None:
        part = await self.made(opened, text("_end", body="old"))
        await self.made(opened, text(body="{% include '_end' %}"))
        broken = text("_end", body="{{ A }}", variables={"A": {}})
        with pytest.raises(f.InvalidTemplateError, match="template:hello/sms/ru: undeclared variables: A"):
            await self.edited(opened, part, broken)
        with pytest.raises(f.TemplateInUseError, match="template:hello/sms/ru"):
            async with opened(writes=True) as rows:
                await shelf.remove(rows, part.template_id, None)
        assert ("old", 1) == await self.in_force(opened, "_end")

    async def test_lists_go_on_behind_the_last_one(self, opened: Opened) -> None:
        for name, language in (("b", "ru"), ("a", "ru"), ("a", "en")):
            await self.made(opened, text(name, language))
        async with opened(writes=False) as rows:
            pages = [
                await rows.page(Wanted(limit=2)),
                await rows.page(Wanted(behind=("a", "sms", "ru"))),
                await rows.page(Wanted(skip=2, limit=2)),
                await rows.page(Wanted(language="ru", channel="sms")),
                await rows.page(Wanted(name="b", channel="push")),
            ]
        found = [
            ([each.template.name + each.template.language_code for each in page], all_)
            for page, all_ in pages
        ]
        assert [(["aen", "aru"], 3), (["bru"], 3), (["bru"], 3), (["aru", "bru"], 2), ([], 0)] == found

    async def test_files_write_what_only_they_have_written(self, opened: Opened) -> None:
        part, user = text("_end", body="old"), text(body="{% include '_end' %}")
        assert 2 == len((await self.filed(opened, user, part)).changed)
        again = await self.filed(opened, user, part)
        assert ([], [], []) == (again.changed, again.kept, again.conflicts)
        found = await self.filed(opened, user, text("_end", body="new"))
        assert ["template:_end/sms/ru"] == found.changed
        assert {"template:hello/sms/ru": 3} == (await self.filed(opened, text(body="two"))).versions

    async def test_an_edit_over_http_is_not_lost_to_files(self, opened: Opened) -> None:
        await self.filed(opened, text())
        async with opened(writes=False) as rows:
            stored = await rows.by_name("hello", "sms", "ru")
        await self.edited(opened, stored, text(body="two"), 1)
        assert ["template:hello/sms/ru"] == (await self.filed(opened, text())).kept
        assert ["template:hello/sms/ru"] == (await self.filed(opened, text(body="three"))).conflicts
        assert ("two", 2) == await self.in_force(opened)
        pulled = await self.filed(opened, text(body="two"))
        assert ([], {"template:hello/sms/ru": 2}) == (pulled.changed, pulled.versions)
        assert ["template:hello/sms/ru"] == (await self.filed(opened, text(body="three"))).changed

    async def test_files_may_be_made_to_win(self, opened: Opened) -> None:
        await self.made(opened, text())
        assert ["template:hello/sms/ru"] == (await self.filed(opened, text(body="two"))).conflicts
        assert ["template:hello/sms/ru"] == (await self.filed(opened, text(body="two"), force=True)).changed

    async def test_what_files_wrote_is_not_lost_to_an_edit_that_does_not_know_it(
        self, opened: Opened
    ) -> None:
        stored = await self.made(opened, text())
        await self.edited(opened, stored, text(body="two"))
        await self.filed(opened, text(body="two"))
        with pytest.raises(f.StaleTemplateError, match="template push"):
            await self.edited(opened, stored, text(body="three"))
        await self.edited(opened, stored, text(body="three"), 2)
        assert ("three", 3) == await self.in_force(opened)

    async def test_a_version_that_only_a_part_made_is_no_edit_elsewhere(self, opened: Opened) -> None:
        key = "template:hello/sms/ru"
        part, user = text("_end", body="old"), text(body="{% include '_end' %}")
        await self.filed(opened, part, user)
        await self.filed(opened, text("_end", body="new"), user)
        edited = text(body="{% include '_end' %}!")
        assert [key] == (await self.filed(opened, text("_end", body="new"), edited, known={key: 1})).changed

    async def test_a_folder_that_is_behind_another_does_not_write_over_it(self, opened: Opened) -> None:
        key = "template:hello/sms/ru"
        await self.filed(opened, text())
        await self.filed(opened, text(body="two"), known={key: 1})
        assert [key] == (await self.filed(opened, text(body="three"), known={key: 1})).conflicts
        assert [key] == (await self.filed(opened, text(), known={key: 1})).kept
        assert ("two", 2) == await self.in_force(opened)
