"""How lists from elsewhere become tasks: rows are checked, decided on, and brought in."""
