"""Tests, by what they need: unit, property, contract and pipeline run alone, broker takes real servers."""
