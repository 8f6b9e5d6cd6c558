"""Fakes of real vendors: each speaks its vendor's wire over the same desk, scripts and ledger.

They know the key of a call by its header `Idempotency-Key`, whether or not the vendor honours it.
"""
