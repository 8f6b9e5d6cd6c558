"""`python -m bench`: the design's budgets, measured beside other engines that do the same job in one run."""
