"""Who asks, and what they may: viewers, keys, signing in."""

from gql_app.access.lookup import (
    USUAL_IDLE,
    KeyLookup,
    authenticate,
    bearer,
    still_valid,
)
from gql_app.access.tokens import KEY, SESSION, digest, looks_like_key, practice_of
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
    "USUAL_IDLE",
    "Unauthenticated",
    "Viewer",
    "authenticate",
    "bearer",
    "digest",
    "looks_like_key",
    "practice_of",
    "still_valid",
]
