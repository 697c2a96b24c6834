"""The roles that a key can have."""

from enum import StrEnum


class Role(StrEnum):
    STAFF = "STAFF"  # reads, logs contacts
    SUPERVISOR = "SUPERVISOR"  # also makes tasks, moves them and takes them back
    PARTNER = "PARTNER"  # reads without notes; makes tasks if the key says so
