"""Messages in the app: a connection that tells of them at once, and plain requests for the same."""
