"""Claims: who is calling a patient, and `claimNextTask`, `claimTask` and `releaseTask`."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from gql_app.schema.calling_hours import ClaimWarning
from gql_app.schema.columns import reads
from gql_app.schema.context import Info, SharedInfo
from gql_app.schema.enums import NothingReason
from gql_app.schema.ids import read_id_of, read_ids_of
from gql_app.schema.lazy import LazyTask
from gql_app.schema.links import linked
from gql_app.schema.payloads import Payload, UserError
from gql_app.schema.staff import Staff
from gql_app.schema.texts import checked_text
from gql_app.work import claims
from gql_app.work.next_claims import claim_next
from gql_app.work.reads.conditions import BadInput
from models.task import MAX_CLAIM_ID, TaskRow

MAX_SKIPPED = 100

NewClaimId = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="The id that the claim gets: random text of your choice, up to 100 characters."
        " With it you can give the claim back though no answer came. Without it the server chooses."
    ),
]
ClaimIdToKeep = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="The id of the claim that you hold, to renew it: if it has ended meanwhile the"
        " answer is `CLAIM_LOST`. An id of your choice that was not used before (random, up to 100"
        " characters) begins a new claim. Without it the claim is new too, under a random id."
    ),
]
ClaimIdToEnd = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="Release only this claim: nothing happens if it has ended, or another has taken"
        " its place."
    ),
]


@strawberry.type
class ClaimState:
    """The fields of a claim, now and in the past."""

    by = linked("staff", "claimed_by_id", Staff, "Who is calling.")

    @strawberry.field(description="When it ends by itself, if it is not renewed.")
    def until(parent: strawberry.Parent[TaskRow]) -> datetime:
        assert parent.claimed_until is not None
        return parent.claimed_until


@strawberry.type(
    description="Who is calling a patient now. It stands on every open task of the patient and of"
    " the household, in all queues, until a contact is logged, it is released, or its time is up."
)
class Claim(ClaimState):
    @strawberry.field(
        description="Stands for this claim: another each time that the patient is claimed anew, the"
        " same while it is renewed, and on all tasks that it covers."
    )
    def id(parent: strawberry.Parent[TaskRow]) -> strawberry.ID:
        return _claim_id(parent)


@strawberry.type(
    description="Who was calling a patient right after an event, and until when as far as was known"
    " then."
)
class ClaimSnapshot(ClaimState):
    @strawberry.field(description="The `Claim.id` that it had.")
    def claim_id(parent: strawberry.Parent[TaskRow]) -> strawberry.ID:
        return _claim_id(parent)


def _claim_id(task: TaskRow) -> strawberry.ID:
    assert task.claim is not None
    return strawberry.ID(task.claim)


def claim_of(graphql_type: object, description: str) -> Any:
    """A task's field that shows its claim, if it has one and the key may see who works."""

    def claim(parent: strawberry.Parent[TaskRow], info: SharedInfo) -> TaskRow | None:
        if parent.claimed_by_id is None or not info.context.scope.may_see_who_works:
            return None
        return parent

    return strawberry.field(
        resolver=claim,
        graphql_type=graphql_type,
        description=f"{description} Always null for a partner's key.",
        metadata=reads("claimed_by_id", "claimed_until", "claim_id", "patient_id"),
    )


Skipped = Annotated[
    list[strawberry.ID] | None,
    strawberry.argument(
        description="Tasks that you do not want now, at most 100: their patients are passed over."
        " The server does not keep them; send them as long as they are to hold."
    ),
]


@strawberry.type
class ClaimTaskPayload:
    task: LazyTask | None = strawberry.field(
        description="The task as it is now; null if there is none, or none is free."
    )
    reason: str | None = strawberry.field(
        description="Why claimNextTask has no task, in words. Null if it has one."
    )
    next_at: datetime | None = strawberry.field(
        description="When claimNextTask will have one if nothing else happens: the end of the"
        " first patient's rest, the time of the first call-back, or the beginning of the first day"
        " on which a follow-up is due; within the calling hours, but for a call-back. Null if it"
        " has one, and if time alone will bring none."
    )
    reasons: list[NothingReason] = strawberry.field(
        description="Why claimNextTask has no task, for programs: one or more, all of which"
        " `reason` names. Empty if it has one."
    )
    warnings: list[ClaimWarning] = strawberry.field(
        description="What to know about a claim that was made by claimTask: that it is outside the"
        " calling hours. Empty when a claim is renewed, and where a call-back is due."
    )
    errors: list[UserError]


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=ClaimTaskPayload,
        description="Claim the most urgent free task: call-backs whose time has come first, then"
        " overdue follow-ups, then due today, then never contacted, then by expiry; never one whose"
        " follow-up is still to come, nor, but for a call-back, one of a patient who rests"
        " (`Practice.restHours`) or who may not be called at this hour (`Practice.callingHours`).",
    )
    async def claim_next_task(
        self,
        info: Info,
        queue_ids: list[strawberry.ID] | None = None,
        claim_id: NewClaimId = None,
        skip: Skipped = None,
    ) -> Payload:
        context, ids = info.context, read_ids_of("Queue", queue_ids)
        skipped = read_ids_of("Task", skip) or []
        if len(skipped) > MAX_SKIPPED:
            raise BadInput(f"skip has at most {MAX_SKIPPED} tasks, not {len(skipped)}.")
        result = await claim_next(
            context.changes,
            context.viewer,
            ids,
            _checked_claim(claim_id),
            skipped=skipped,
            lease=context.services.lease,
        )
        context.note_result(result)
        return Payload(result)

    @strawberry.mutation(
        graphql_type=ClaimTaskPayload,
        description="Claim a task's patient and household, or renew the claim: nobody else can log"
        " a contact until it ends. One person's new claim takes the place of the same person's"
        " older one. Outside the calling hours it comes with a warning.",
    )
    async def claim_task(
        self, info: Info, task_id: strawberry.ID, claim_id: ClaimIdToKeep = None
    ) -> Payload:
        context, row_id = info.context, read_id_of("Task", task_id)
        claim, lease = _checked_claim(claim_id), context.services.lease
        return Payload(await context.make(claims.claim_task, row_id, claim, lease=lease))

    @strawberry.mutation(
        graphql_type=ClaimTaskPayload,
        description="Release a claimed patient. Supervisors may release others' claims. With a"
        " claimId alone, it releases the patient that you hold under this claim, if you still do.",
    )
    async def release_task(
        self,
        info: Info,
        task_id: strawberry.ID | None = None,
        claim_id: ClaimIdToEnd = None,
    ) -> Payload:
        make, claim = info.context.make, _checked_claim(claim_id)
        if task_id is not None:
            row_id = read_id_of("Task", task_id)
            return Payload(await make(claims.release_task, row_id, claim))
        if claim is None:
            raise BadInput("releaseTask takes a taskId, a claimId, or both.")
        return Payload(await make(claims.release_own, claim))


def _checked_claim(claim_id: str | None) -> str | None:
    return None if claim_id is None else checked_text(claim_id, "claimId", MAX_CLAIM_ID)
