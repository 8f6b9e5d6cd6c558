"""What clients send and get of templates (NS-API-010…019, NS-TPL-OP-07)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta

from connectors.templates.lint import lint
from connectors.templates.variables import data_schema
from schemas.languages import DEFAULT_LANGUAGE
from schemas.records import Template
from schemas.times import rfc3339
from schemas.words import Category, Channel

if TYPE_CHECKING:
    from connectors.postgres.template_rows import Version
    from connectors.templates.preview import Preview
    from connectors.templates.shelf import Stored

NAME: Final = r"^[A-Za-z0-9_.-]+$"
LANGUAGE: Final = r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,6})?$"
NO_NUL: Final = r"^[^\x00]*$"

LONGEST_TEXT: Final = 100_000
"""Characters of one text. Mail readers cut longer ones off, and each worker compiles it."""

Text = Annotated[str, Meta(max_length=LONGEST_TEXT, pattern=NO_NUL)]
Variable = Annotated[str, Meta(max_length=100, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Described = Annotated[
    dict[Variable, str | dict[str, Any]],
    Meta(description="Variable → type (string, number, boolean, array, object), or a part of JSON Schema."),
]


class TemplateBody(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A template as its author writes it."""

    name: Annotated[
        str, Meta(min_length=1, max_length=255, pattern=NAME, description="`_…`: a layout or partial.")
    ]
    channel_type: Channel
    language_code: Annotated[str, Meta(max_length=10, pattern=LANGUAGE)] = DEFAULT_LANGUAGE
    subject: (
        Annotated[str, Meta(max_length=500, pattern=NO_NUL, description="Required for email.")] | None
    ) = None
    title: Annotated[str, Meta(max_length=255, pattern=NO_NUL, description="Required for push.")] | None = (
        None
    )
    body: Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT, pattern=NO_NUL)]
    body_text: Text | None = None
    category: Category = Category.TRANSACTIONAL
    variables: Described = {}

    def template(self) -> Template:
        """The record of it; `UserName: string` means `UserName: {type: string}` (NS-TPL-025)."""
        forms = {
            name: {"type": form} if isinstance(form, str) else form for name, form in self.variables.items()
        }
        return Template(
            name=self.name,
            channel_type=self.channel_type.value,
            language_code=self.language_code,
            subject=self.subject,
            title=self.title,
            body=self.body,
            body_text=self.body_text,
            category=self.category.value,
            variables=forms,
        )


class TemplateShown(msgspec.Struct, kw_only=True):
    """A template in force."""

    id: str
    name: str
    channel_type: str
    language_code: str
    subject: str | None
    title: str | None
    body: str
    body_text: str | None
    category: str
    variables: dict[str, dict[str, Any]]
    version: int
    parts: Annotated[list[str], Meta(description="Layouts and partials that its text holds.")]
    data_schema: Annotated[dict[str, Any], Meta(description="JSON Schema of the data it takes.")]
    is_filed: Annotated[bool, Meta(description="Files wrote this version: a change must say `If-Match`.")]
    warnings: Annotated[list[str], Meta(description="What may surprise, such as many SMS segments.")]
    created_at: str
    updated_at: str | None


class TemplatesShown(msgspec.Struct):
    """Some templates. `page` is null where a cursor was given, `next` where no more follow."""

    items: list[TemplateShown]
    page: int | None
    limit: int
    total: int
    next: Annotated[str | None, Meta(description="To be sent as `cursor`.")]


class VersionShown(msgspec.Struct, kw_only=True):
    """One version; it never changes."""

    version: int
    subject: str | None
    title: str | None
    body: str
    body_text: str | None
    category: str
    variables: dict[str, dict[str, Any]]
    parts: Annotated[dict[str, dict[str, Any]], Meta(description="Layouts and partials, as they were.")]
    author: Annotated[str | None, Meta(description="The key's id, or `files`.")]
    created_at: str


class VersionsShown(msgspec.Struct):
    """Versions, the newest first; `next` is null where no more follow."""

    items: list[VersionShown]
    limit: int
    next: Annotated[int | None, Meta(description="To be sent as `below`.")]


class RollbackBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which version's text to put in force again, as a new version."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]


class PreviewBody(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """What to render with; where several are given, `data` wins over the message's, and both over samples."""

    data: dict[str, Any] = {}
    samples: Annotated[bool, Meta(description="Fill in examples for what the data lacks.")] = False
    message_id: Annotated[
        str | None, Meta(description="Take what this message was made with; secrets are masked.")
    ] = None
    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


class TrialBody(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """Whom to send to, and what to render with."""

    recipient: Annotated[
        str, Meta(min_length=1, max_length=4096, pattern=NO_NUL, description="An address of the channel.")
    ]
    data: dict[str, Any] = {}
    samples: Annotated[bool, Meta(description="Fill in examples for what the data lacks.")] = False
    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


class TrialQueued(msgspec.Struct):
    """It is on its way; `carillon why` and the message's status tell the rest."""

    message_id: str


class SmsShown(msgspec.Struct):
    """A text message as an operator counts it."""

    encoding: str
    places: int
    segments: int


class ButtonShown(msgspec.Struct):
    """What a push offers below its text."""

    name: str
    label: str
    url: str


class PreviewShown(msgspec.Struct, kw_only=True):
    """What the user would get."""

    subject: str | None
    title: str | None
    body: str
    body_text: str | None
    sms: SmsShown | None
    image: Annotated[str | None, Meta(description="Of a push.")] = None
    buttons: Annotated[list[ButtonShown], Meta(description="Of a push.")] = []


def template_shown(stored: Stored) -> TemplateShown:
    """The answer for one template."""
    template = stored.template
    return TemplateShown(
        id=stored.template_id,
        **texts_of(template),
        name=template.name,
        channel_type=template.channel_type,
        language_code=template.language_code,
        parts=list(template.parts),
        data_schema=data_schema(template.variables),
        is_filed=stored.is_filed,
        warnings=[finding.text for finding in lint(template) if finding.level == "warning"],
        created_at=rfc3339(stored.created_at),
        updated_at=None if stored.updated_at is None else rfc3339(stored.updated_at),
    )


def version_shown(version: Version) -> VersionShown:
    """The answer for one version."""
    return VersionShown(
        **texts_of(version.template),
        parts=version.template.parts,
        author=version.author,
        created_at=rfc3339(version.created_at),
    )


def preview_shown(made: Preview) -> PreviewShown:
    """The answer for a preview."""
    content, sms = made
    counted = None if sms is None else SmsShown(sms.encoding, sms.places, sms.segments)
    texts = {"subject": content.subject, "title": content.title, "body_text": content.body_text}
    buttons = [ButtonShown(each.name, each.label, each.url) for each in content.buttons]
    return PreviewShown(body=content.body, sms=counted, image=content.image, buttons=buttons, **texts)


def texts_of(template: Template) -> dict[str, Any]:
    """What a template and a version of it have in common."""
    names = ("version", "subject", "title", "body", "body_text", "category", "variables")
    return {name: getattr(template, name) for name in names}
