"""What is said when reference files cannot be used."""

from __future__ import annotations


class ReferenceFilesError(ValueError):
    """The files cannot be used; `faults` lists every reason: file, entry, key, what to do."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
