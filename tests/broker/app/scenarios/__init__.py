"""What the example app can be: each module registers its scenarios."""

from tests.broker.app.scenarios import counting, errands, sinking

__all__ = ["counting", "errands", "sinking"]
