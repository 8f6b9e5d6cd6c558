"""Fakes of vendors: each speaks its vendor's wire under `/<vendor>/`, over the desk's scripts and ledger."""
