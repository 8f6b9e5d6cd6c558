"""Audiences: commands of the HTTP edge, what becomes of them, users' labels, the state of labels (AUD, CRM).

A user is named `<id_type>:<id>` here (AUD-OP-17). A *bucket* is a fixed share of all users (`schemas.ids`):
the unit in which users travel and are kept, whatever the number of partitions.
"""

from __future__ import annotations

from schemas.records.root import Record


class ChosenFilter(Record, frozen=True, kw_only=True):
    """One filter of a label: any of the values will do. `values`: `true`/`false`, texts, numbers as texts."""

    filter_id: str
    value_type: str  # a ValueType
    values: list[str]


class LabelAsked(Record, frozen=True, kw_only=True):
    """One label of a publish request: what it shows, when, to whom. `users`: how many follow."""

    audience_label: str
    communication_id: str
    starts_at: int
    ends_at: int
    users: int = 0
    is_for_everyone: bool = False  # by its filters alone, no user is labelled (AUD-036, AUD-OP-23)
    experiment_name: str | None = None
    filters: list[ChosenFilter] = []  # all must match (AUD-OP-18)
    is_test_publication: bool = False
    ticket: str | None = None


class AudiencePublished(Record, frozen=True, kw_only=True):
    """A publish request without its users, who follow as `UsersUploaded` in the same transaction (AUD-OP-21).

    `digest`: of the body, so that the same key with another body is found (AUD-OP-10).
    """

    upload_id: str
    request_id: str
    idempotency_key: str
    digest: bytes
    campaign_label: str
    received_at: int
    labels: list[LabelAsked]


class UserGroup(Record, frozen=True, kw_only=True):
    """Users of one bucket."""

    bucket: int
    users: list[str]


class UsersUploaded(Record, frozen=True, kw_only=True):
    """Some of the users of one label of an upload."""

    upload_id: str
    audience_label: str
    groups: list[UserGroup]


class AudienceWithdrawn(Record, frozen=True, kw_only=True):
    """An unpublish request: of all labels of a campaign, or of one (CRM-OP-02)."""

    upload_id: str
    request_id: str
    idempotency_key: str
    digest: bytes
    received_at: int
    campaign_label: str
    audience_label: str | None = None


class LabelNamed(Record, frozen=True, kw_only=True):
    """A label as a request's answer tells it (AUD-060, AUD-061)."""

    communication_id: str
    audience_label: str


class AudienceAnswered(Record, frozen=True, kw_only=True):
    """What became of a request. Topic `audience.answers`, read by every HTTP process."""

    upload_id: str
    request_id: str
    outcome: str  # an AudienceOutcome
    labels: list[LabelNamed] = []
    detail: str = ""
    is_replay: bool = False


class UsersLabelled(Record, frozen=True, kw_only=True):
    """Users of one bucket get a label. `number`: of the request among those of the label, from 1."""

    audience_label: str
    bucket: int
    number: int
    request_id: str
    ends_at: int
    users: list[str]


class LabelsEnded(Record, frozen=True, kw_only=True):
    """Labels that were withdrawn at `at`: their entries in this bucket are garbage."""

    bucket: int
    labels: list[str]
    at: int


class UsersCounted(Record, frozen=True, kw_only=True):
    """So many users of a request were labelled, or could not be."""

    audience_label: str
    number: int
    request_id: str
    processed: int
    failed: int = 0


class AudienceLabel(Record, frozen=True, kw_only=True):
    """A label (AUD-110…AUD-119). Topic `audience.labels`, read whole by whoever shows communications; a row.

    `requests`: how many were accepted. `left`: number of a request → users of it not dealt with yet; one that
    is not in it is done.
    """

    audience_label: str
    campaign_label: str
    communication_id: str
    starts_at: int
    ends_at: int
    published_at: int
    updated_at: int
    version: int = 1
    experiment_name: str | None = None
    filters: list[ChosenFilter] = []
    is_for_everyone: bool = False
    is_test_publication: bool = False
    ticket: str | None = None
    withdrawn_at: int | None = None
    requests: int = 0
    total: int = 0
    processed: int = 0
    failed: int = 0
    left: dict[str, int] = {}


class LabelChanged(Record, frozen=True, kw_only=True):
    """The row of a label for Postgres; the higher version wins. Topic `rows`."""

    label: AudienceLabel


class RequestCount(Record, frozen=True, kw_only=True):
    """What a request asked of one label, and how far that has come."""

    audience_label: str
    communication_id: str
    total: int
    processed: int = 0
    failed: int = 0


class RequestProgress(Record, frozen=True, kw_only=True):
    """How far a publish request has come (CRM-OP-04). Topic `audience.labels` too.

    `accepted_at`: when users of it began to wait; 0 in what an older version wrote.
    """

    request_id: str
    updated_at: int
    accepted_at: int = 0
    counts: list[RequestCount] = []


class ProgressForgotten(Record, frozen=True, kw_only=True):
    """Tombstone for the progress of a request."""

    request_id: str


class ProgressDue(Record, frozen=True, kw_only=True):
    """Timer: the progress of a request need not be known any longer."""

    request_id: str
    due_at: int


class LabelDue(Record, frozen=True, kw_only=True):
    """Timer: the entries of a label in a bucket are garbage. `after`: users up to here are done."""

    bucket: int
    audience_label: str
    due_at: int
    after: str = ""
