"""All targets by name."""

from __future__ import annotations

from tests.fuzz import decoders, files, posts, sends, templating, webhooks

TARGETS = {
    target.name: target
    for module in (decoders, templating, posts, sends, webhooks, files)
    for target in module.TARGETS
}
