"""What is wrong with a body, collected; and what reference data the rules ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from connectors.http.problems import Code, Fault, ProblemError

if TYPE_CHECKING:
    from schemas.records import AudienceFilter, Communication, Experiment

MOST_FAULTS = 50


class Known(Protocol):
    """Reference data as far as this process has read it."""

    def communication(self, communication_id: str) -> Communication | None: ...
    def filter(self, filter_id: str) -> AudienceFilter | None: ...
    def experiment(self, name: str) -> Experiment | None: ...


class Faults(list[Fault]):
    """The first ones found. `has_unknown`: among them ids that may only not have come here yet."""

    def __init__(self) -> None:
        super().__init__()
        self.has_unknown = False

    def add(self, pointer: str, detail: str) -> None:
        """Something is wrong at `pointer`; a fault of one place is told once."""
        fault = Fault(pointer, detail)
        if len(self) < MOST_FAULTS and fault not in self:
            self.append(fault)

    def add_unknown(self, pointer: str, kind: str, name: str) -> None:
        """Nothing of this name is known."""
        self.has_unknown = True
        self.add(pointer, f"no {kind} {name[:100]!r} is known")

    def has(self, pointer: str) -> bool:
        """Whether this place was told already."""
        return any(fault.pointer == pointer for fault in self)


class InvalidError(ProblemError):
    """The body breaks rules. `has_unknown`: look again once reference data has been read to its end."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(Code.INVALID_FIELD, tuple(faults))
        self.has_unknown = faults.has_unknown
