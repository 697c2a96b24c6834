"""Patients, and the staff who call them."""

from datetime import datetime
from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.checks import MAX_NAME
from models.contact_status import ContactStatus, Standing
from models.database import select_list
from models.patient_details import MAX_CALLER_NOTE, MAX_LANGUAGE
from models.patient_phones import Kept, phones_of
from models.phone import Phone, PhoneKind
from models.practice import Practice

MAX_SUBJECT = 255
MAX_EMAIL = 254
MAX_EXTERNAL_ID = 200
"""Longest external id of a patient, a task or an appointment, in characters."""
MAX_STATUS_REASON = 500
"""Longest reason of a contact status, in characters."""


class Patient(Model):
    """A person whom the practice contacts.

    An imported patient is `external_id` at `source`, unique within the practice. `phone` is the
    telephone number as it came in; `phone_number` is how it is dialled (E.164, with ";ext=" and an
    extension; null if `phone` says that already), and `phone_display` how it is shown. While
    `is_indexed` is false, these two are null or an earlier number's, and the patient cannot be
    found by a new name or number. The database itself sets it to false, whatever program changes
    the row. `time_zone` is the one that the number tells, null if it tells several or none; it is
    read with these two. A patient whom an import made that was undone was `taken_back_at` that
    moment: nobody finds them any more.

    A patient who was merged away has the survivor in `merged_into_id`, and keeps name, number and
    external id. The survivor has the numbers of all who were merged into them in `other_phones`, a
    JSON list: as it is dialled, as it is shown, whether it is wrong. `version` grows when the name,
    a number, the external id, the contact status, the language, the note for the caller or what was
    merged changes, or somebody sets the guarantor. `made_by_id` is the member of staff who made the
    patient, null if an import did.

    `phone_kind` is the kind of the patient's own number, and `more_phones` are the others that they
    have; `wrong_phones` are those of all that lead to somebody else (models/patient_phones.py).
    `language` is a tag of BCP 47, and `caller_note` what the caller is to know.

    `contact_status` says whether the patient may be called; since when and why are those of the
    last that was said, and it ends by itself at `contact_status_ends_at` (see `Standing`).

    `guarantor_id` is the patient who answers for this one, null if nobody else does. Guarantors
    have none themselves, so those with the same one are a household with them. An import that names
    one who has not come in yet leaves the guarantor's external id in `awaited_guarantor`.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=MAX_NAME)
    phone = fields.CharField(max_length=40)
    phone_number = fields.CharField(max_length=40, null=True)
    phone_display = fields.CharField(max_length=64, null=True)
    time_zone = fields.CharField(max_length=64, null=True)
    is_indexed = fields.BooleanField(default=False, db_default=False)
    source = fields.CharField(max_length=100, null=True)
    external_id = fields.CharField(max_length=MAX_EXTERNAL_ID, null=True)
    created_at = fields.DatetimeField()
    taken_back_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=1, db_default=1)
    # Their foreign keys lead to two columns, which models cannot say: see the migration.
    merged_into_id = fields.BigIntField(null=True)
    other_phones = fields.TextField(null=True)
    made_by_id = fields.BigIntField(null=True)
    phone_kind = fields.CharEnumField(PhoneKind, max_length=8, null=True)
    more_phones = fields.TextField(null=True)
    wrong_phones = fields.TextField(null=True)
    language = fields.CharField(max_length=MAX_LANGUAGE, null=True)
    caller_note = fields.CharField(max_length=MAX_CALLER_NOTE, null=True)
    contact_status = fields.CharEnumField(
        ContactStatus, max_length=16, default=ContactStatus.OK, db_default=ContactStatus.OK
    )
    contact_status_reason = fields.CharField(max_length=MAX_STATUS_REASON, null=True)
    contact_status_since = fields.DatetimeField(null=True)
    contact_status_ends_at = fields.DatetimeField(null=True)
    guarantor_id = fields.BigIntField(null=True)
    awaited_guarantor = fields.CharField(max_length=MAX_EXTERNAL_ID, null=True)

    class Meta:
        table = "patient"


class PatientRow(NamedTuple):
    """A patient as the read side hands it out; `Patient` says what the columns mean."""

    id: int
    practice_id: int
    name: str
    phone: str
    phone_number: str | None
    phone_display: str | None
    version: int
    other_phones: str | None
    contact_status: ContactStatus
    contact_status_reason: str | None
    contact_status_since: datetime | None
    contact_status_ends_at: datetime | None
    time_zone: str | None
    phone_kind: PhoneKind | None
    more_phones: str | None
    wrong_phones: str | None
    language: str | None
    caller_note: str | None

    @property
    def standing(self) -> Standing:
        """The contact status as it was said last; it may have ended since."""
        return Standing(
            self.contact_status,
            self.contact_status_reason,
            self.contact_status_since,
            self.contact_status_ends_at,
        )

    @property
    def shown_phone(self) -> str:
        """The number as people of the practice's country write it."""
        return self.phone_display or self.phone

    @property
    def phones(self) -> list[Phone]:
        """The numbers that have digits: the patient's own first, then the others, then those that
        came with patients who were merged into this one."""
        own = Kept(self.phone_number or self.phone, self.shown_phone, self.phone_kind)
        return phones_of(own, self.more_phones, self.other_phones, self.wrong_phones)


PATIENT_COLUMNS = select_list("p", PatientRow)
"""The select list of a `PatientRow`, from a table that is called `p` in the query."""


class PatientWord(Model):
    """What a patient is found by: the beginnings of these words.

    Only work/patients.py writes them.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    patient_id = fields.BigIntField()
    word = fields.CharField(max_length=64)

    class Meta:
        table = "patient_word"
        unique_together = (("practice", "word", "patient_id"),)


class Staff(Model):
    """Who acts through a key: an agent, a supervisor, or a partner's program.

    `signed_in_at` is when they signed in to the dashboard last. `subject` is how the practice's
    identity provider names them, unique within the practice; until it is known, their `email`
    stands for them there.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=MAX_NAME)
    created_at = fields.DatetimeField()
    signed_in_at = fields.DatetimeField(null=True)
    subject = fields.CharField(max_length=MAX_SUBJECT, null=True)
    email = fields.CharField(max_length=MAX_EMAIL, null=True)

    class Meta:
        table = "staff"
        unique_together = (("practice", "name"),)
