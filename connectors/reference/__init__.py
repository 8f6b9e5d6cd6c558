"""Reference data: read from YAML files, checked, carried by the topic `reference`, looked up by workers."""

from __future__ import annotations

from connectors.reference.book import ReferenceBook
from connectors.reference.files import ReferenceFilesError, load_directory, read_directory
from connectors.reference.wire import ReferenceRecord, key_of

__all__ = [
    "ReferenceBook",
    "ReferenceFilesError",
    "ReferenceRecord",
    "key_of",
    "load_directory",
    "read_directory",
]
