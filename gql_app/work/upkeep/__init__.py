"""What keeps a practice's data sound over time."""
