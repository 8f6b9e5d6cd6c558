"""THE DECISIONS: one module per step, named by its verb: a pure `decide(...)` and a short async generator.

May import `tables` and `schemas`; what it needs from outside stands in `agents.ports` as Protocols. Must not
know `connectors`, `streams`, faust, aiohttp, asyncpg or aiokafka: an agent yields outcomes and never sends.
"""
