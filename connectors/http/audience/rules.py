"""The rules of a publish request: its body, and what is known of communications and filters → its labels.

Pure. Every fault is collected, so that a caller need not find them one by one; each names its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from connectors.http.audience.bodies import MOST_COMMUNICATIONS, MOST_USERS
from connectors.http.audience.faults import MOST_FAULTS, Faults, InvalidError
from connectors.http.audience.filters import chosen
from connectors.http.problems import Code, Fault, ProblemError
from schemas.audience_words import MOST_ALTERNATIVES, MOST_FILTERS
from schemas.ids import audience_user
from schemas.records import LabelAsked
from schemas.times import parse_rfc3339

if TYPE_CHECKING:
    from collections.abc import Sized

    from connectors.http.audience.bodies import Communication, Filters, PersonalCommunication, PublishBody
    from connectors.http.audience.faults import Known
    from schemas.records import ChosenFilter

MISSING = "is missing, here and in communication"


class Labelled(NamedTuple):
    """The labels of a request, and the users of those that have any, each once."""

    labels: list[LabelAsked]
    users: dict[str, list[str]]


def labelled(body: PublishBody, known: Known) -> Labelled:
    """Assign the labels; `InvalidError`, or a 413 for too many items (AUD-047, AUD-066; of filters: ours)."""
    personal = body.personal_communications or []
    _check_numbers(personal, body.filters)
    faults = Faults()
    filters = chosen(body.filters, known, faults)
    _check_mode(body, personal, filters, faults)
    found = _Labels(body, filters, known, faults)
    if filters:
        found.add_general()
    else:
        found.check_dates(body.communication, "/communication")
    for number, one in enumerate(personal):
        found.add_personal(one, f"/personal_communications/{number}")
    if faults:
        raise InvalidError(faults)
    return found.result()


def _check_numbers(personal: list[PersonalCommunication], filters: Filters | UnsetType) -> None:
    chosen_filters = [] if isinstance(filters, UnsetType) else filters.filters
    counted: list[tuple[str, Sized | UnsetType, int]] = [
        ("/personal_communications", personal, MOST_COMMUNICATIONS),
        *((f"/personal_communications/{n}/users", one.users, MOST_USERS) for n, one in enumerate(personal)),
        ("/filters/filters", chosen_filters, MOST_FILTERS),
        *(
            (f"/filters/filters/{n}/values", f.values, MOST_ALTERNATIVES)
            for n, f in enumerate(chosen_filters)
        ),
    ]
    faults = [
        Fault(pointer, f"has more than {most} items")
        for pointer, found, most in counted
        if not isinstance(found, UnsetType) and len(found) > most
    ]
    if faults:
        raise ProblemError(Code.TOO_LARGE, faults[:MOST_FAULTS])


def _check_mode(
    body: PublishBody, personal: list[PersonalCommunication], filters: list[ChosenFilter], faults: Faults
) -> None:
    """One of the three modes (AUD-032…AUD-034)."""
    if not personal and body.is_test_publication:
        faults.add("/is_test_publication", "a test needs personal_communications")
    if not personal and not filters:
        faults.add("", "needs personal_communications or filters: else it would go to everyone")


class _Labels:
    """Labels as they are found; of two items with one label the users are put together (AUD-OP-13)."""

    def __init__(self, body: PublishBody, filters: list[ChosenFilter], known: Known, faults: Faults) -> None:
        self._body = body
        self._filters = filters
        self._known = known
        self._faults = faults
        self._labels: dict[str, LabelAsked] = {}
        self._users: dict[str, dict[str, None]] = {}

    def add_general(self) -> None:
        """By the filters alone (AUD-036)."""
        label = self._asked(self._body.communication, "/communication", self._body.campaign_label)
        if label is not None:
            self._labels[label.audience_label] = label

    def add_personal(self, one: PersonalCommunication, pointer: str) -> None:
        """To its users; where there are filters, to those of them who satisfy these (AUD-035)."""
        label = self._asked(one, pointer, None)
        if label is None:
            return
        name = label.audience_label
        first = self._labels.setdefault(name, label)
        if (first.starts_at, first.ends_at) != (label.starts_at, label.ends_at):
            self._faults.add(pointer, f"has other dates than an earlier item of the label {name}")
        users = self._users.setdefault(name, {})
        users.update(dict.fromkeys(audience_user(user.id_type, user.id) for user in one.users))

    def check_dates(self, one: Communication, pointer: str) -> tuple[int | None, int | None]:
        """Dates as they are given here; a wrong one is a fault even where nothing inherits it."""
        return (
            self._moment(one.start_date, f"{pointer}/start_date"),
            self._moment(one.end_date, f"{pointer}/end_date"),
        )

    def result(self) -> Labelled:
        """All of them, the general one first, each with the number of its users."""
        users = {name: list(found) for name, found in self._users.items()}
        labels = [replace(label, users=len(users.get(name, ()))) for name, label in self._labels.items()]
        return Labelled(labels, users)

    def _asked(self, one: Communication, pointer: str, name: str | None) -> LabelAsked | None:
        """One label; `name` None: a personal one, which is named after its communication."""
        whole = _inherited(one, self._body.communication)
        known = self._is_known(whole.communication_id, f"{pointer}/communication_id")
        starts_at, ends_at = self._period(whole, pointer)
        if not known or starts_at is None or ends_at is None:
            return None
        label = name or f"{self._body.campaign_label}:{whole.communication_id}"
        return LabelAsked(
            audience_label=label,
            communication_id=whole.communication_id or "",
            starts_at=starts_at,
            ends_at=ends_at,
            is_for_everyone=name is not None,
            experiment_name=experiment_of(label) if self._filters else None,
            filters=self._filters,
            is_test_publication=self._body.is_test_publication,
            ticket=whole.ticket or None,
        )

    def _is_known(self, communication_id: str | UnsetType, pointer: str) -> bool:
        if isinstance(communication_id, UnsetType):
            self._faults.add(pointer, MISSING)
            return False
        if self._known.communication(communication_id) is None:
            self._faults.add_unknown(pointer, "communication", communication_id)
            return False
        return True

    def _period(self, whole: Communication, pointer: str) -> tuple[int | None, int | None]:
        for name, given in (("start_date", whole.start_date), ("end_date", whole.end_date)):
            if isinstance(given, UnsetType):
                self._faults.add(f"{pointer}/{name}", MISSING)
        starts_at, ends_at = self.check_dates(whole, pointer)
        if starts_at is not None and ends_at is not None and ends_at <= starts_at:
            self._faults.add(f"{pointer}/end_date", "is not after start_date")
        return starts_at, ends_at

    def _moment(self, text: str | UnsetType, pointer: str) -> int | None:
        if isinstance(text, UnsetType):
            return None
        try:
            return parse_rfc3339(text)
        except ValueError as error:
            self._faults.add(pointer, str(error))
            return None


def _inherited(one: Communication, general: Communication) -> Communication:
    """What is missing is taken from the general communication (AUD-OP-11)."""
    names = ("communication_id", "start_date", "end_date", "ticket")
    missing = {name: getattr(general, name) for name in names if getattr(one, name) is UNSET}
    return replace(one, **missing)


def experiment_of(audience_label: str) -> str:
    """Name of the experiment that holds the filters of a label (AUD-OP-24)."""
    return f"{audience_label}.exp"
