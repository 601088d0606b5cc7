"""The records that cross rooms: what is written to files, its types, names and schema versions.

Nothing here imports torch, transformers or numpy. Every record has its JSON Schema in
``docs/schema/`` (``python -m mobench.records.json_schema docs/schema`` writes them).
"""
