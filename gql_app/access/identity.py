"""People by their practice's identity provider: which it is, and whom it may vouch for.

Nobody signs up by it: the provider's account is bound to somebody who was invited, by the
invitation itself or by the e-mail address that it was made for. The provider is set by
work/accounts.py.
"""

from typing import NamedTuple
from urllib.parse import urlsplit

from gql_app.access.people import Person, accept, person_of
from gql_app.access.signin import SignedIn, begin_session
from gql_app.access.viewer import ChangeOfPractice, Unauthenticated
from models.database import fetch_first
from models.people import Staff
from models.wires import is_loopback


class NotVouchedFor(Exception):
    """The provider does not vouch for anybody; the message is for the log and names nobody."""


class NotInvited(Unauthenticated):
    """The provider vouches for somebody who was not invited."""


class Provider(NamedTuple):
    """A practice's identity provider."""

    practice_id: int
    slug: str
    practice: str
    issuer: str
    client_id: str


class Vouched(NamedTuple):
    """Whom a provider vouches for: its number for them, and their address if it has checked it."""

    subject: str
    email: str | None


_PROVIDER = """
SELECT p.id, p.slug, p.name, i.issuer, i.client_id
FROM identity_provider i JOIN practice p ON p.id = i.practice_id
"""


async def provider_called(slug: str) -> Provider | None:
    """The provider of the practice with this slug."""
    return await fetch_first(Provider, f"{_PROVIDER} WHERE p.slug = $1", slug)


async def provider_of(practice_id: int) -> Provider | None:
    return await fetch_first(Provider, f"{_PROVIDER} WHERE i.practice_id = $1", practice_id)


async def begin_session_by_provider(
    change: ChangeOfPractice, vouched: Vouched, invite: str, device: str | None
) -> SignedIn:
    """Begin a session for whom the provider vouches, if they were invited. With an invitation, it
    is used up, and from now on the account is this person's. Raises `Unauthenticated`."""
    if invite:
        person = await accept(change, invite)
        await _bind(change, person.staff_id, vouched)
    else:
        person = await _known(change, vouched)
    return await begin_session(change, person.key_id, device)


async def _known(change: ChangeOfPractice, vouched: Vouched) -> Person:
    here = Staff.filter(practice_id=change.practice_id)
    staff = await here.get_or_none(subject=vouched.subject)
    if staff is None and vouched.email is not None:
        staff = await here.get_or_none(email=vouched.email, subject=None)
        if staff is not None:
            await _bind(change, staff.id, vouched)
    person = None if staff is None else await person_of(change.practice_id, staff.id)
    if person is None:
        raise NotInvited(
            "Nobody was invited under this account.", "not invited", change.practice_id
        )
    return person


async def _bind(change: ChangeOfPractice, staff_id: int, vouched: Vouched) -> None:
    here = Staff.filter(practice_id=change.practice_id)
    if await here.filter(subject=vouched.subject).exclude(id=staff_id).exists():
        raise NotInvited(
            "This account is somebody else's already.", "account of another", change.practice_id
        )
    await here.filter(id=staff_id).update(subject=vouched.subject)


def is_safe(address: str) -> bool:
    """Whether an address is that of a server behind TLS, or of this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    )
