"""Claims, made through the runner of changes."""

from collections.abc import Sequence
from datetime import timedelta

from gql_app.access import Viewer
from gql_app.work import claims, next_claims
from gql_app.work.changes import Changes
from gql_app.work.claims import LEASE
from gql_app.work.results import ChangeResult


class Claims:
    """What the schema calls, with one lease."""

    def __init__(self, changes: Changes, lease: timedelta = LEASE) -> None:
        self.changes = changes
        self.lease = lease

    async def claim_next(
        self,
        viewer: Viewer,
        queue_ids: Sequence[int] | None,
        claim_id: str | None = None,
        skipped: Sequence[int] = (),
    ) -> ChangeResult:
        return await next_claims.claim_next(
            self.changes, viewer, queue_ids, claim_id, skipped=skipped, lease=self.lease
        )

    async def claim(
        self, viewer: Viewer, task_id: int, claim_id: str | None = None
    ) -> ChangeResult:
        return await self.changes.make(
            viewer, claims.claim_task, task_id, claim_id, lease=self.lease
        )

    async def release(
        self, viewer: Viewer, task_id: int, claim_id: str | None = None
    ) -> ChangeResult:
        return await self.changes.make(viewer, claims.release_task, task_id, claim_id)

    async def release_own(self, viewer: Viewer, claim_id: str) -> ChangeResult:
        return await self.changes.make(viewer, claims.release_own, claim_id)

    async def lapse(self, practice_id: int, task_id: int) -> bool:
        return await self.changes.make_for(practice_id, claims.lapse_claim, task_id)
