"""THE WIRING: the generic engine, the settings, the topology, metrics, worker and command line.

May import every room (`streams.engine` none of them). Must not hold a decision: no `if` on a record's field.
"""
