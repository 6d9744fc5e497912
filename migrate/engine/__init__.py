"""Decides what happens next: planner, state machines, gates, rollback, invariants. No I/O, clock, thread or chance.

Commands are data; the driver carries them out and brings back events. Time enters as an event.
"""
