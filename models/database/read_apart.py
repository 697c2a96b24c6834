"""Who reads much: they read on connections of their own, where nobody else has to wait for them."""

from contextvars import ContextVar

reads_apart: ContextVar[bool] = ContextVar("reads_apart", default=False)
"""Whether the task reads much."""
