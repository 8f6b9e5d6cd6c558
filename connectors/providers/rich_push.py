"""Pictures and buttons of a push in the forms that several vendors share (NS-CH-034).

Sources: Apple's pages "Modifying content in newly delivered notifications" (`mutable-content`) and
"Declaring your actionable notification types" (`category`: an identifier that the app has registered).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemas.records import Content


def apple_words(content: Content) -> dict[str, Any]:
    """Of `aps`. Its extension is called for each push, as it also tells that one was shown (NS-CH-OP-06).

    The category is made of the buttons' names, for an app knows its buttons before a push comes.
    """
    category = {"category": ".".join(each.name for each in content.buttons)} if content.buttons else {}
    return {"mutable-content": 1, **category}


def extras(content: Content) -> dict[str, Any]:
    """What an app reads beside our ids."""
    image = {"carillon_image": content.image} if content.image else {}
    return image | ({"carillon_buttons": buttons(content)} if content.buttons else {})


def buttons(content: Content) -> list[dict[str, str]]:
    """Name, label and address of each."""
    return [{"name": each.name, "label": each.label, "url": each.url} for each in content.buttons]
