"""The engine: Kafka batch to Kafka transaction, tables, restore, effects, timers; no notification words."""
