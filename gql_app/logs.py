"""What may be written to the log."""

import logging

TALKATIVE = (
    "aiosqlite",
    "asyncio",
    "tortoise",
    "tortoise.db_client",
    "uvicorn.error",
    "websockets",
)
"""Loggers that write statements with their values, or frames, at DEBUG: that is patient data."""


def keep_values_out_of_logs() -> None:
    """Whatever level the root logger has, no line may hold what a patient said."""
    for name in TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.INFO))
