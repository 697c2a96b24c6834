"""Callboard: live patient-contact task queues over GraphQL."""
