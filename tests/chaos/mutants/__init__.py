"""Mutants: the product with one promise broken, run under blows; the books must tell, without a hint.

    python -m tests.chaos.mutants [--only NAME …]

Each course of blows is run on an unpatched copy first, which must balance, and then on a copy for each
mutant, which must not.
"""
