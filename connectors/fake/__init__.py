"""The fake provider: SMS and push by HTTP, mail by SMTP, in a process that outlives every kill of ours.

It has scripted faults, magic recipients and a ledger of every call, flushed line by line, from which a
checker reads what the outside saw. It is the outside world: addresses stand in clear here.
"""
