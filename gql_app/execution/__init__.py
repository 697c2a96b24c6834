"""What makes GraphQL execution fast and safe: caches, limits, errors that give nothing away."""
