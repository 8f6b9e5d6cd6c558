"""What the house is told before it opens: the sample types and some of its own, and who lives there."""

from __future__ import annotations

import shutil
from base64 import b64encode
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import yaml

EXAMPLES = Path(__file__).parents[3] / "examples"
PUBLIC = {
    "public_url": "https://notify.house.test",
    "link_keys": f"k1:{b64encode(b'a key of links, of thirty-two by').decode()}",
}
"""Where people reach the HTTP process, and what signs links to it: marketing has a way out with both."""
TURNS = 120
"""A loop over so many inside a loop over as many is beyond what one render may spend."""
OWN_TYPES: list[dict[str, Any]] = [
    *(
        {
            "code": f"hidden_{policy}",
            "title": "Its answer may be hidden",
            "category": "transactional",
            "default_channels": ["sms"],
            "template_name": "plain",
            "unknown_policy": policy,
        }
        for policy in ("repeat", "hold", "ask")
    ),
    {
        "code": "hidden_mail",
        "title": "Asks where nobody can be asked",
        "category": "transactional",
        "default_channels": ["email"],
        "template_name": "plain",
        "unknown_policy": "ask",
    },
    {
        "code": "pushed",
        "title": "To every device",
        "category": "transactional",
        "default_channels": ["push"],
        "template_name": "plain",
    },
    {
        "code": "told_in_app",
        "title": "In the app",
        "category": "transactional",
        "default_channels": ["in_app"],
        "template_name": "plain",
    },
    {
        "code": "unseen",
        "title": "A text for whom nobody sees the push",
        "category": "transactional",
        "default_channels": ["push"],
        "fallback_channels": ["sms"],
        "template_name": "plain",
        "fallback_after_s": 25,
    },
    {
        "code": "endless",
        "title": "Loops as long as its data",
        "category": "system",
        "default_channels": ["email"],
        "template_name": "endless",
    },
    {
        "code": "attack",
        "title": "Reaches for Python",
        "category": "system",
        "default_channels": ["email"],
        "template_name": "attack",
    },
]
OWN_TEMPLATES: dict[str, dict[str, Any]] = {
    "plain.sms.ru": {"body": "{{ Text }}", "variables": {"Text": {"type": "string", "required": True}}},
    "plain.email.ru": {
        "subject": "Plain",
        "body": "{{ Text }}",
        "variables": {"Text": {"type": "string", "required": True}},
    },
    "plain.push.ru": {
        "title": "Plain",
        "body": "{{ Text }}",
        "variables": {"Text": {"type": "string", "required": True}},
    },
    "plain.in_app.ru": {
        "title": "Plain",
        "body": "{{ Text }}",
        "variables": {"Text": {"type": "string", "required": True}},
    },
    "endless.email.ru": {
        "subject": "Endless",
        "body": "{% for a in Items %}{% for b in Items %}{{ b }}{% endfor %}{% endfor %}",
        "variables": {"Items": {"type": "array", "required": True}},
    },
    "attack.email.ru": {
        "subject": "Attack",
        "body": "{{ Text.__class__.__mro__ }}",
        "variables": {"Text": {"type": "string", "required": True}},
    },
}


def write_book(folder: Path) -> Path:
    """A folder for `carillon apply`: the examples' reference data and our own."""
    (folder / "templates").mkdir(parents=True)
    for path in EXAMPLES.glob("templates/*.yaml"):
        shutil.copy(path, folder / "templates")
    for name in ("rules", "providers", "seen", "communications"):
        shutil.copy(EXAMPLES / f"{name}.yaml", folder)
    types = yaml.safe_load((EXAMPLES / "types.yaml").read_text(encoding="utf-8"))
    (folder / "types.yaml").write_text(yaml.safe_dump(types + OWN_TYPES), encoding="utf-8")
    for file, template in OWN_TEMPLATES.items():
        name, channel, language = file.split(".")
        whole = {"name": name, "channel_type": channel, "language_code": language, "category": "system"}
        path = folder / "templates" / f"{file}.yaml"
        path.write_text(yaml.safe_dump(whole | template), encoding="utf-8")
    return folder


def user(name: str) -> str:
    """The id of whoever has this name; the same in every run."""
    return str(uuid5(NAMESPACE_URL, f"house/{name}"))


def phone(number: int) -> str:
    """A phone that no magic belongs to."""
    return f"+7916{number:07}"


def known(name: str, **contacts: Any) -> dict[str, Any]:
    """The value of an event that makes a user's contacts known; no rule turns it into a request."""
    return {"event_type": "user.updated", "user_id": user(name), "data": {"language": "ru", **contacts}}
