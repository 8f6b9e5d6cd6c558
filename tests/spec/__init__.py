"""What the specification demands, item by item in our own words, and which tests show it."""
