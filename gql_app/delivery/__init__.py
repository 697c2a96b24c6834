"""Executes each stream once for all clients that ask for the same, and sends each its results."""
