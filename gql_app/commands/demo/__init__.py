"""`callboard demo`: a sample practice of invented patients, and a server for it."""
