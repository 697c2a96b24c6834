"""Ways to sign in are taken away: a passkey, or a practice's identity provider.

The last admin keeps one.
"""

from gql_app.access.people import person_behind
from gql_app.access.viewer import Viewer
from gql_app.work.admission import lock_admins, refuse_last_admin
from gql_app.work.changes import Change
from gql_app.work.persons import without_passkey
from models.audit import AuditAction
from models.identity import IdentityProvider
from models.passkey import Passkey
from models.people import Staff
from models.refusals import Refusal, RefusalCode

NO_PASSKEY = Refusal(RefusalCode.NOT_FOUND, "You have no such passkey.", "id")


async def remove_passkey(change: Change, viewer: Viewer, passkey_id: int) -> tuple[Refusal, ...]:
    """Remove one of the viewer's own passkeys."""
    admins = await lock_admins(change)
    person = await person_behind(viewer)
    if person is None:
        return (NO_PASSKEY,)
    own = Passkey.filter(practice_id=change.practice_id, staff_id=person.staff_id, id=passkey_id)
    if not await own.exists():
        return (NO_PASSKEY,)
    bound = Staff.filter(practice_id=change.practice_id, subject__not_isnull=True)
    if not await bound.filter(id=person.staff_id).exists():
        ended = await without_passkey(change, but=passkey_id) & {person.key_id}
        if refusals := refuse_last_admin(admins, ended):
            return refusals
    await own.delete()
    change.note(AuditAction.KEY, f"passkey {passkey_id} removed")
    return ()


async def set_provider(change: Change, issuer: str, client_id: str) -> tuple[Refusal, ...]:
    """Let a practice's people sign in by this provider; by none if `issuer` is empty. Accounts that
    were bound to another provider's are bound no longer."""
    admins = await lock_admins(change)
    here = IdentityProvider.filter(practice_id=change.practice_id)
    before = await here.first()
    if before is None or before.issuer != issuer:
        if refusals := refuse_last_admin(admins, await without_passkey(change)):
            return refusals
        await Staff.filter(practice_id=change.practice_id).update(subject=None)
    await here.delete()
    if issuer:
        await IdentityProvider.create(
            practice_id=change.practice_id, issuer=issuer, client_id=client_id
        )
    change.note(AuditAction.SETTING, "identity provider")
    return ()
