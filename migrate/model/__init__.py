"""What a migration reads and decides, as frozen values: cluster, plan, run, events, evidence. No I/O, no clock.

Reading is tolerant: an odd or missing field of one object never hides another object. Only identity is insisted on.
"""
