"""What makes GraphQL execution fast and safe, for any schema: this folder has no name of ours.

A document is parsed, measured and validated once. Plain objects are completed by functions that are
written for the selection; docs/architecture.md has an example. Errors give nothing away.
"""
