"""What happens to tasks, always through a viewer or a scope: writer, read side, sweeper."""
