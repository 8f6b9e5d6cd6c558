"""THE WORDS: Avro schemas, records, closed lists of statuses and reasons, topic catalogue, codec, error tree.

May import the standard library, fastavro, orjson and msgspec. Must not know a clock, an event loop, the
environment, or any other room.
"""
