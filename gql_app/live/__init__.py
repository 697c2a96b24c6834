"""How a change reaches those who watch: the doorbell and the ordered feed behind it."""
