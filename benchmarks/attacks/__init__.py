"""Attacks on a real server by one key, or none: each says what it did to the others.

A module here is an attack; `table.py` names them all.
"""
