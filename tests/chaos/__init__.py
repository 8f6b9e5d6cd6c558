"""Chaos: a cluster on one machine, a steady feed, a seeded plan of faults, and books that must balance."""
