"""THE MEMORY: one module per table, each a frozen value and pure transitions `state, event -> state`.

May import `schemas`. Must not know asyncio, time, random, logging or faust: time comes in with the record.
"""
