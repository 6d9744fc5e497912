"""Carries out what the engine orders: command → port → event; the intent is durable before the act, the outcome after.

Everything that the driver believes of the cluster it has just looked at; the journal says what was intended.
"""
