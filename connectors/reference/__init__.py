"""Reference data: YAML files → records → the topic `reference` → the book every worker reads from memory."""

from connectors.reference.book import ReferenceBook
from connectors.reference.files import ReferenceFileError, load_directory

__all__ = ["ReferenceBook", "ReferenceFileError", "load_directory"]
