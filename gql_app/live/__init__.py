"""How a change reaches this process: the bell, and the feed of events that it has read again."""
