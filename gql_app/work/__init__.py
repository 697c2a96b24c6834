"""What happens to tasks, always through a viewer: the writer, the read side, the sweeper."""
