"""Whether a writer of one category may write a template (NS-TPL-OP-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.templates.faults import ForeignTemplateError
from connectors.templates.splicing import is_part

if TYPE_CHECKING:
    from connectors.templates.shelf import Change, Rows
    from schemas.records import Template


async def check_rights(rows: Rows, template: Template, change: Change) -> None:
    """Refuse what would change messages of another category: a part, or a name that others use, too."""
    if change.only is None:
        return
    categories = {template.category, *await rows.categories_of(template.name)}
    if is_part(template.name) or categories != {change.only}:
        raise ForeignTemplateError(change.only)
