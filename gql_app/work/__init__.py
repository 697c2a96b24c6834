"""All reads, which take a scope, and all changes, which go through changes.py."""
