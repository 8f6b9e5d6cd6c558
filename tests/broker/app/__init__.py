"""A small worker program on the engine's stage API, run as processes of their own by the broker tests."""
