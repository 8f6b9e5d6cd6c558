"""The engine: Kafka batch → pure agent → Kafka transaction, with tables, timers and effects. Knows no domain.

`stage.py` runs one stage of one worker; `task.py` runs one partition number of it. A reader starts at
`api.py`.
"""
