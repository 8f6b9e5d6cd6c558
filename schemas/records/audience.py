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
    """A publish request without its users, who come as `UsersUploaded` in the same transaction (AUD-OP-21).

    `digest`: of the body, so that the same key with another body is found (AUD-OP-10). Without a key each
    request is decided by the state of its labels.
    """

    upload_id: str
    request_id: str
    idempotency_key: str
    digest: bytes
    campaign_label: str
    received_at: int
    labels: list[LabelAsked]


class UsersOfLabel(Record, frozen=True, kw_only=True):
    """Users who get one label. `label`: its place among the labels of the request, from 0."""

    label: int
    users: list[str]


class UserGroup(Record, frozen=True, kw_only=True):
    """Users of one bucket."""

    bucket: int
    labels: list[UsersOfLabel]


class UsersUploaded(Record, frozen=True, kw_only=True):
    """Some of the users of an upload. `place`: of this record among those of the upload, from 0."""

    upload_id: str
    place: int
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


class LabelGiven(Record, frozen=True, kw_only=True):
    """A label that users get. `number`: of the request among those of the label, from 1.

    `campaign_label`, `communication_id`: for statistics, where the label's name does not tell them.
    """

    audience_label: str
    number: int
    ends_at: int
    users: list[str]
    campaign_label: str | None = None
    communication_id: str | None = None


class UsersLabelled(Record, frozen=True, kw_only=True):
    """Users of one bucket get the labels of an upload."""

    upload_id: str
    bucket: int
    labels: list[LabelGiven]


class LabelCount(Record, frozen=True, kw_only=True):
    """So many users got a label, or could not get it."""

    audience_label: str
    processed: int = 0
    failed: int = 0


class UsersCounted(Record, frozen=True, kw_only=True):
    """How many users of an upload were dealt with in a batch."""

    upload_id: str
    counts: list[LabelCount]


class AudienceLabel(Record, frozen=True, kw_only=True):
    """A label (AUD-110…AUD-119). Topic `audience.labels`, read whole by whoever shows communications; a row.

    `requests`: how many were accepted. `unfinished`: numbers of those that are not done yet; one is done when
    all users of all its labels are dealt with (AUD-OP-29).
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
    unfinished: list[int] = []


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
