"""The demo: feed the sample data to a running pipeline, show what happens, and have the books checked."""
