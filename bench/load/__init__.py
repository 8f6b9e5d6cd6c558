"""`make load`: rates that grow step by step until the budget breaks."""
