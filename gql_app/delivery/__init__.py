"""One execution for all who ask the same, and each one's way through it."""
