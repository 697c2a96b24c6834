"""What a resolver can reach: the scope or the viewer, the services, this operation's loaders."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar

import strawberry

from gql_app.access import USUAL_IDLE, Origin, Scope, Viewer
from gql_app.access.budgets import FREE, Budgets, Spent
from gql_app.clock import machine_time
from gql_app.execution.cost import NOTHING, Cost
from gql_app.execution.outline import UNREADABLE, Outline
from gql_app.live.feeds import Feeds
from gql_app.schema.leaving import until
from gql_app.schema.loaders import Loaders
from gql_app.work.access_log import Access, AccessLog
from gql_app.work.appointments import RecordedAppointment
from gql_app.work.batches import Moved
from gql_app.work.changes import Change, Changes
from gql_app.work.claims import LEASE
from gql_app.work.households import GuarantorResult
from gql_app.work.merging import MergeResult
from gql_app.work.patient_edits import PatientResult
from gql_app.work.results import ChangeResult
from gql_app.work.unmerging import UnmergeResult
from models.audit import OK, AuditAction
from models.database import reading_apart

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """What the composition root has wired together for the schema. `clock` gives the aware time;
    a claim lasts for `lease`; `passed` gives seconds that only ever grow, for what waits; what is
    read goes into `access_log`; a session ends when its person has done nothing for the time
    `idle`; `budgets` are what keys may spend;
    `wake_imports` says that there is an import to be carried on."""

    changes: Changes
    feeds: Feeds
    clock: Callable[[], datetime]
    lease: timedelta = LEASE
    passed: Callable[[], float] = time.monotonic
    access_log: AccessLog = field(default_factory=lambda: AccessLog(machine_time))
    idle: timedelta = USUAL_IDLE
    budgets: Budgets = field(default_factory=Budgets)
    wake_imports: Callable[[], None] = lambda: None


class SharedContext:
    """The context of an operation that may be executed once for several viewers: it knows their
    scope, and nothing of any one of them. `cost` is what the operation may bring back."""

    __slots__ = ("cost", "loaders", "scope", "services")

    def __init__(self, scope: Scope, services: Services) -> None:
        self.cost: Cost = NOTHING
        self.scope = scope
        self.services = services
        self.load_afresh()

    def load_afresh(self) -> None:
        """Forget what was loaded."""
        self.loaders = Loaders(self.scope, self.services.clock)

    def reads_document(self, length: int) -> None:
        """A document of so many characters is new, and has to be read."""

    def admit(self) -> AbstractAsyncContextManager[None] | None:
        """Let the operation in."""
        return None


class Context(SharedContext):
    """The context of one viewer's operation. `outline` says what it is, once it is asked for: the
    document is known then. It came from `address`. `gone`, if given, returns when nobody waits for
    its answer any more. If it was dear, `spent` says what it took from the viewer's budget."""

    __slots__ = ("_address", "_outline", "_told", "gone", "spent", "viewer")

    def __init__(
        self,
        viewer: Viewer,
        services: Services,
        outline: Callable[[], Outline] = lambda: UNREADABLE,
        address: str | None = None,
    ) -> None:
        self.viewer = viewer
        super().__init__(viewer.scope, services)
        self._outline = outline
        self._address = address
        self._told: set[int] = set()
        self.gone: Callable[[], Awaitable[object]] | None = None
        self.spent: Spent | None = None

    def load_afresh(self) -> None:
        """Forget what was loaded. A viewer sees one more than their scope does: whom they made."""
        self.loaders = Loaders(self.viewer, self.services.clock)

    def reads_document(self, length: int) -> None:
        """A document of so many characters is new, and has to be read. Raises `RateLimited`."""
        self.services.budgets.spend_document(self.viewer.key_id, length)

    def admit(self) -> AbstractAsyncContextManager[None] | None:
        """Let the operation in, if the key's budgets allow it; if it is dear, at its place in line.
        Raises `RateLimited`."""
        cost, budgets = self.cost, self.services.budgets
        if cost.changes:
            budgets.spend_changes(self.viewer.key_id, cost.changes)
        if cost.leaves <= FREE and not cost.reports:
            return None
        return self._at_its_place()

    @asynccontextmanager
    async def _at_its_place(self) -> AsyncIterator[None]:
        key_id, budgets = self.viewer.key_id, self.services.budgets
        async with until(self.gone), budgets.in_line(key_id):
            self.spent = await budgets.spend_cost(key_id, self.cost.leaves)
            with reading_apart():
                yield

    @property
    def changes(self) -> Changes:
        """The runner of changes, for what this operation asks for."""
        origin = Origin(self._outline().name, self._address)
        return self.services.changes.asked(origin, self._told)

    async def make(
        self,
        use_case: Callable[Concatenate[Change, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Carry out a use case for the viewer. See `Changes.make`."""
        result = await self.changes.make(self.viewer, use_case, *args, **kwargs)
        self.note_result(result)
        return result

    def note_result(self, result: object) -> None:
        """Note that a change was refused, and whom its result shows. What was changed has its row
        in the audit already."""
        patient = None
        if isinstance(result, PatientResult | GuarantorResult | MergeResult | UnmergeResult):
            return self._note_patients(result)
        if not isinstance(result, ChangeResult | RecordedAppointment | Moved):
            return None
        if isinstance(result, ChangeResult):
            patient = result.task and result.task.patient_id
        elif isinstance(result, RecordedAppointment):
            patient = result.appointment and result.appointment.patient_id
        else:
            for skipped in result.skipped:
                self.note_refusal(skipped.refusal.code, skipped.patient_id)
        if result.refusals:
            self.note_refusal(result.refusals[0].code, patient)
        elif patient is not None:
            self.loaders.seen.add(patient)
        return None

    def _note_patients(
        self, result: PatientResult | GuarantorResult | MergeResult | UnmergeResult
    ) -> None:
        """The same for changes of patients themselves."""
        if isinstance(result, PatientResult | GuarantorResult):
            shown = [result.patient]
        else:
            shown = [result.survivor]
        if isinstance(result, UnmergeResult):
            shown.append(result.restored)
        patients = [patient.id for patient in shown if patient is not None]
        if result.refusals:
            self.note_refusal(result.refusals[0].code, next(iter(patients), None))
        self.loaders.seen.update(patients)

    def note_refusal(self, code: str, patient_id: int | None = None) -> None:
        """Note that something was refused, of this patient or as a whole."""
        self._note(AuditAction.REFUSED, {patient_id}, code)
        if patient_id is not None:
            self._told.add(patient_id)

    def note_read(self, patient_id: int | None) -> None:
        """Note that something was read of this patient, or of nobody in particular."""
        self._note(AuditAction.READ, {patient_id})

    def note_reads(self) -> None:
        """Note whose data the operation has read, but for those whom a row of a change or a refusal
        tells of. Raises `Busy` if that cannot be recorded and can still be refused."""
        seen = self.loaders.seen - self._told
        if not seen:
            return
        if self._outline().is_query:
            self.services.access_log.check(self.viewer.practice_id)
        self._note(AuditAction.READ, seen)

    def _note(
        self, action: AuditAction, patients: set[int] | set[int | None], result: str = OK
    ) -> None:
        outline = self._outline()
        origin = Origin(outline.name, self._address)
        reads = action is AuditAction.READ and self.scope.may_read_notes
        notes = reads and outline.is_sensitive
        access = Access.by(self.viewer, origin, action, notes=notes, result=result)
        self.services.access_log.note(access, patients)


Info: TypeAlias = strawberry.Info[Context, None]
"""For fields of queries and mutations."""

SharedInfo: TypeAlias = strawberry.Info[SharedContext, None]
"""For all fields that a shared subscription may show: it has no viewer to hand them."""
