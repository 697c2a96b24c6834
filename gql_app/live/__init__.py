"""How a change reaches this process: the bell rings, and the feed reads the new events."""
