"""What Callboard is compared with: each a server of its own, written as its documentation shows."""
