"""Tables and the pure rules of the workflow. Knows nothing of GraphQL or the web."""
