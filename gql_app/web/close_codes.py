"""The codes with which the server closes a socket. docs/protocol.md says what clients do then."""

from enum import IntEnum


class CloseCode(IntEnum):
    """Those from 4400 on are graphql-transport-ws's, the others WebSocket's own. The WebSocket
    library sends 1002, 1007 and 1009 by itself."""

    ASLEEP = 1001  # no answer to a ping ("going away" in RFC 6455)
    BAD_FRAME = 1002
    NOT_UTF8 = 1007
    REFUSED = 1008  # too many messages; before the socket is accepted: answered with HTTP 403
    TOO_LARGE = 1009
    RESTARTING = 1012  # come back, in a moment and not all at once
    TRY_LATER = 1013  # too many connections now, or the key cannot be looked up
    WRONG_FORM = 4400
    UNAUTHORIZED = 4401  # an operation before `connection_init`
    FORBIDDEN = 4403  # the key is not, or no longer, good for this
    SUBPROTOCOL = 4406
    TOO_SLOW = 4408  # no `connection_init` in time
    ID_IN_USE = 4409
    TOO_MANY_INITS = 4429
