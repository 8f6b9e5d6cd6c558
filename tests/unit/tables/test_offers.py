"""What the name of a label tells of it, and when a row must."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.records import AudienceLabel
from tables.offers import Offer, key_of, named, untold
from tests.audiences import DAY, T0

LABEL = AudienceLabel(
    audience_label="spring:sale",
    campaign_label="spring",
    communication_id="sale",
    starts_at=T0,
    ends_at=T0 + DAY,
    published_at=T0,
    updated_at=T0,
)


def test_a_personal_label_tells_its_campaign_and_its_communication() -> None:
    assert Offer(campaign_label="spring", communication_id="sale") == named("spring:sale")
    assert Offer(campaign_label="spring", communication_id="sale:2") == named("spring:sale:2")
    assert untold(LABEL) is None
    assert untold(replace(LABEL, audience_label="spring:sale:2", communication_id="sale:2")) is None


def test_the_label_of_a_promotion_does_not_tell_what_is_shown() -> None:
    promotion = replace(
        LABEL, audience_label="promotion.7", campaign_label="promotion.7", communication_id="7"
    )
    assert Offer(campaign_label="promotion.7", communication_id=None) == named("promotion.7")
    assert Offer(campaign_label="promotion.7", communication_id="7") == untold(promotion)


def test_a_name_that_says_something_else_is_not_believed() -> None:
    """A promotion with a colon in its id looks like a personal label."""
    name = "promotion.7:b"
    promotion = replace(LABEL, audience_label=name, campaign_label=name, communication_id="7:b")
    assert Offer(campaign_label=name, communication_id="7:b") == untold(promotion)


def test_a_label_has_a_row_in_each_bucket() -> None:
    assert b"\x01\x02spring" == key_of(0x102, "spring")
