"""The page of a user's choices: what it shows, what a filled-in form changes, and what nobody's form does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from connectors.choices import Chosen, Consented, Stored, Unsubscribed
from connectors.http.choice_page import WORDS
from tests.unit.connectors.http.choice_visits import CONSENT, USER, Page, Visitor
from tests.unit.connectors.http.edge import NOW, edge
from tests.unit.connectors.http.test_unsubscribe import LINK, SIGNER


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    made = Visitor()
    async with edge(produce=made.produce, choices=made.choices, links=SIGNER) as one:
        made.client = one.client
        yield made


@pytest.mark.spec("NS-PREF-010 NS-PREF-013")
async def test_ns_pref_013_every_category_has_a_box_for_each_of_its_channels(visitor: Visitor) -> None:
    page = await visitor.page()
    stops = dict.fromkeys(["stop.all_marketing", "stop.email", "stop.push", "stop.sms", "stop.in_app"], False)
    groups = {"social.email": True, "social.push": True, "social.sms": False}
    assert groups | {"marketing.email": False, "marketing.push": False} | stops == page.boxes
    assert [] == visitor.written


async def test_what_is_mandatory_is_named_and_has_no_box(visitor: Visitor) -> None:
    _, text = await visitor.open()
    assert "Всегда приходят: Code." in text
    assert not [name for name in Page(text).boxes if name.startswith("transactional")]


async def test_a_form_that_nobody_touched_changes_nothing(visitor: Visitor) -> None:
    """Mutation: all boxes are written. Types of which a part was on would become all on, and a consent."""
    visitor.choices.stored = Stored(types={"chat": Chosen([], is_enabled=False, at=NOW)})
    status, text = await visitor.send((await visitor.page()).filled())
    assert (200, [], True) == (status, visitor.written, "Сохранено" in text)


@pytest.mark.spec("NS-PREF-014 NS-PREF-015 NS-PREF-OP-01")
async def test_ns_pref_op_01_a_box_changes_each_type_of_its_category(visitor: Visitor) -> None:
    status, text = await visitor.send((await visitor.page()).filled(social__push=False))
    assert 200 == status
    ((event, data),) = visitor.told
    assert "user.preferences_changed" == event
    assert [
        {
            "notification_type": "news",
            "allowed_channels": ["email"],
            "is_enabled": True,
            "source": "preference page",
        },
        {
            "notification_type": "chat",
            "allowed_channels": [],
            "is_enabled": False,
            "source": "preference page",
        },
    ] == data["preferences"]
    assert {"social.email": True, "social.push": False} == {
        name: Page(text).boxes[name] for name in ("social.email", "social.push")
    }


async def test_advertising_is_ticked_only_where_there_is_a_consent(visitor: Visitor) -> None:
    visitor.choices.stored = Stored(consents=[CONSENT])
    assert (await visitor.page()).boxes["marketing.email"]
    revoked = Consented("marketing", "email", is_granted=False, at=NOW + 1)
    visitor.choices.stored = Stored(consents=[CONSENT, revoked])
    page = await visitor.page()
    assert (False, True) == (page.boxes["marketing.email"], page.boxes["marketing.push"])


@pytest.mark.spec("NS-PREF-OP-07")
async def test_ns_pref_op_07_to_tick_advertising_is_a_consent_to_what_is_ticked(visitor: Visitor) -> None:
    status, text = await visitor.send((await visitor.page()).filled(marketing__email=True))
    ((_, data),) = visitor.told
    assert [("promo", ["email"], "settings")] == [
        (one["notification_type"], one["allowed_channels"], one["source"]) for one in data["preferences"]
    ]
    assert (200, True) == (status, Page(text).boxes["marketing.email"])


async def test_to_take_advertising_away_is_none(visitor: Visitor) -> None:
    visitor.choices.stored = Stored(consents=[CONSENT])
    await visitor.send((await visitor.page()).filled(marketing__push=False))
    ((_, data),) = visitor.told
    assert ["preference page"] == [one["source"] for one in data["preferences"]]


@pytest.mark.spec("NS-PREF-014 NS-PREF-021")
async def test_ns_pref_021_op_06_one_leaves_all_marketing_and_comes_back(visitor: Visitor) -> None:
    _, text = await visitor.send((await visitor.page()).filled(stop__all_marketing=True))
    assert Page(text).boxes["stop.all_marketing"]
    visitor.choices.stored = Stored(unsubscribed=[Unsubscribed("all_marketing", None, NOW)])
    _, text = await visitor.send((await visitor.page()).filled(stop__all_marketing=False))
    assert not Page(text).boxes["stop.all_marketing"]
    reason = {"channel_type": "all_marketing", "reason": "preference page"}
    assert [("user.unsubscribed", reason), ("user.resubscribed", reason)] == visitor.told


@pytest.mark.parametrize("forged", ["", "k2.AAAA.AAAA"])
async def test_a_form_that_is_not_ours_changes_nothing(visitor: Visitor, forged: str) -> None:
    """Mutation: the form's token is not looked at. Whoever posts to links would change choices."""
    fields = [(n, v) for n, v in (await visitor.page()).filled(social__push=False) if n != "form"]
    status, text = await visitor.send([*fields, ("form", forged)])
    assert (200, [], False) == (status, visitor.written, "Сохранено" in text)


async def test_the_form_of_another_user_changes_nothing(visitor: Visitor) -> None:
    other = SIGNER.page_token(USER[:-1] + "f", NOW)
    await visitor.send((await visitor.page()).filled(social__push=False), other)
    assert [] == visitor.written


async def test_a_link_that_is_none_of_ours_shows_nothing(visitor: Visitor) -> None:
    fields = (await visitor.page()).filled(social__push=False)
    for token in ("", "x", SIGNER.token(LINK), SIGNER.form_token(USER)):
        assert 404 == (await visitor.open(token))[0]
        assert 404 == (await visitor.send(fields, token))[0]
    assert [] == visitor.written


async def test_a_link_that_has_ended_shows_and_changes_nothing(visitor: Visitor) -> None:
    fields = (await visitor.page()).filled(social__push=False)
    old = SIGNER.page_token(USER, NOW - 91 * 86_400_000)
    assert [404, 404] == [(await visitor.open(old))[0], (await visitor.send(fields, old))[0]]
    assert [] == visitor.written


async def test_boxes_that_there_are_not_do_nothing(visitor: Visitor) -> None:
    fields = [*(await visitor.page()).filled(), ("on", "transactional.sms"), ("on", "stop.<b>"), ("x", "y")]
    assert (200, []) == ((await visitor.send(fields))[0], visitor.written)


async def test_servers_away_are_told_on_a_page(visitor: Visitor) -> None:
    fields = (await visitor.page()).filled(social__push=False)
    visitor.is_away = True
    status, text = await visitor.send(fields)
    assert (503, True) == (status, "Попробуйте ещё раз" in text)
    visitor.choices.is_away = True
    visitor.is_away = False
    del visitor.choices.kinds
    assert 503 == (await visitor.open())[0]


async def test_it_speaks_two_languages(visitor: Visitor) -> None:
    _, russian = await visitor.open()
    _, english = await visitor.open(**{"Accept-Language": "en-GB"})
    _, chosen = await visitor.open(SIGNER.page_token(USER, NOW) + "&lang=en", **{"Accept-Language": "ru"})
    assert [True, True, True] == [
        '<html lang="ru">' in russian,
        '<html lang="en">' in english,
        "Notification settings" in chosen,
    ]
    assert WORDS["ru"].keys() == WORDS["en"].keys()


async def test_it_runs_and_loads_nothing_and_keeps_titles_as_texts(visitor: Visitor) -> None:
    _, text = await visitor.open()
    policy = visitor.headers["Content-Security-Policy"]
    assert ("default-src 'none'" in policy, "form-action 'self'" in policy, "script" in policy) == (
        True,
        True,
        False,
    )
    page = Page(text)
    assert not {"script", "img", "link", "iframe", "b"} & set(page.tags)
    assert "Chat &lt;b&gt;" in text


async def test_every_box_has_a_label_and_its_explanation(visitor: Visitor) -> None:
    page = await visitor.page()
    assert len(page.boxes) == page.labelled
    assert page.described <= page.ids
    assert page.tags.count("fieldset") == page.tags.count("legend") == 3
    assert 1 == page.tags.count("h1") == page.tags.count("main")
