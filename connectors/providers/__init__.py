"""Providers: one module per vendor, one port (`port.Carrier`), one registry, one performer for the engine.

Adding a vendor: a module with its two tables and its class, a line in `registry.KINDS`; the contract suite
(`tests/contract/test_providers.py`) picks it up.
"""
