"""The verbs of the `callboard` command, a module each."""
