"""Who asks, and what they may: viewers, keys, signing in."""

from gql_app.access.lookup import (
    KEY,
    SESSION,
    KeyLookup,
    authenticate,
    bearer,
    digest,
    practice_of,
    still_valid,
)
from gql_app.access.viewer import (
    BY_CLOCK,
    Forbidden,
    Origin,
    OtherViewer,
    RateLimited,
    Scope,
    Unauthenticated,
    Viewer,
)

__all__ = [
    "BY_CLOCK",
    "Forbidden",
    "KEY",
    "KeyLookup",
    "Origin",
    "OtherViewer",
    "RateLimited",
    "SESSION",
    "Scope",
    "Unauthenticated",
    "Viewer",
    "authenticate",
    "bearer",
    "digest",
    "practice_of",
    "still_valid",
]
