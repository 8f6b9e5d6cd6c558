"""Why a change of templates is not made. Each leaves everything as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class ShelfError(Exception):
    """Root of these. `faults`: what to tell, one sentence each."""

    def __init__(self, told: str = "", faults: Sequence[str] = ()) -> None:
        super().__init__(told)
        self.faults = faults or ((told,) if told else ())


class UnknownTemplateError(ShelfError):
    """There is no such template, or no such version of it."""


class DuplicateTemplateError(ShelfError):
    """A template of this name, channel and language is in force (NS-DATA-021)."""

    def __init__(self, template_id: str) -> None:
        super().__init__(f"template {template_id} has this name, channel and language")
        self.template_id = template_id


class RenamedTemplateError(ShelfError):
    """Types and messages refer to a template by these."""

    def __init__(self) -> None:
        super().__init__("name, channel and language of a template cannot change")


class ForeignTemplateError(ShelfError):
    """The writer may write templates of one category only (NS-TPL-OP-01)."""

    def __init__(self, category: str) -> None:
        super().__init__(
            f"you may write {category} templates only, whose name nothing else uses, and no parts"
        )


class StaleTemplateError(ShelfError):
    """Another version is in force than the one that the writer knows."""

    def __init__(self, version: int, *, is_filed: bool) -> None:
        told = f"version {version} is in force"
        if is_filed:
            told += ", written by `carillon apply` or `template push`; say in If-Match that you know it"
        super().__init__(told)
        self.version = version


class TemplateInUseError(ShelfError):
    """Somebody needs it (NS-TPL-OP-04); `faults` names them."""

    def __init__(self, users: Sequence[str]) -> None:
        super().__init__(f"needed by {', '.join(users)}", users)


class InvalidTemplateError(ShelfError):
    """It could not be sent; `faults` says why, one sentence each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults), faults)


class OtherRequestError(ShelfError):
    """The idempotency key was used for another template."""
