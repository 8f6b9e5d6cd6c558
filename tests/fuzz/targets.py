"""All targets by name."""

from __future__ import annotations

from tests.fuzz import decoders, files, posts, templating

TARGETS = {
    target.name: target for target in (*decoders.TARGETS, *templating.TARGETS, *posts.TARGETS, *files.TARGETS)
}
