"""What keeps a practice's records sound over time."""
