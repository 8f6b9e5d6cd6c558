"""The HTTP edge: a table of routes, one `authenticate` port, problems by RFC 9457, operations apart.

Knows nothing of Kafka: a record goes out through the `publish` port and counts when that returns.
"""
