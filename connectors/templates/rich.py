"""What a push shows beside its text: a picture, and buttons that lead somewhere (NS-CH-034).

Variables say so in their descriptions: `image: true`, or `button` with what stands on it. An optional one
that is not given is not shown. Buttons stand by `place`, then by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connectors.templates.variables import SHOWN
from schemas.errors import RenderFailedError
from schemas.records import Button
from schemas.words import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.records import Content, Template

MOST_BUTTONS: Final = 3
"""Android shows no more; browsers and a closed push of Apple's show two."""


class Rich:
    """Which variables of a template are its picture and its buttons."""

    def __init__(self, template: Template) -> None:
        forms = template.variables
        self._images = [name for name, form in forms.items() if "image" in form]
        buttons = [
            (form.get("place", 0), name, form["button"]) for name, form in forms.items() if "button" in form
        ]
        self._buttons = [(name, label) for _, name, label in sorted(buttons)]
        self.names = frozenset(name for name, form in forms.items() if form.keys() & SHOWN)
        if self.names and template.channel_type != Channel.PUSH:
            raise RenderFailedError("`image` and `button` are of variables of a push")
        if len(self._images) > 1 or len(self._buttons) > MOST_BUTTONS:
            raise RenderFailedError(f"a push has one image and {MOST_BUTTONS} buttons at most")
        if both := {name for name, _ in self._buttons} & set(self._images):
            raise RenderFailedError(f"variable `{both.pop()}`: is an image or a button, not both")

    def shown(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of a `Content`."""
        if not self.names:
            return {}
        return {
            "image": next((values[name] for name in self._images), None),
            "buttons": [
                Button(name=name, label=label, url=values[name])
                for name, label in self._buttons
                if values[name]
            ],
        }


def payload_bytes(content: Content) -> int:
    """Of UTF-8 that a push needs at least, whichever way a vendor counts; ids are not in it."""
    texts = [content.title or "", content.body, content.image or ""]
    texts += [text for button in content.buttons for text in (button.name, button.label, button.url)]
    return sum(len(text.encode("utf-8", "replace")) for text in texts)
