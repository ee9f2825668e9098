"""Builds everything, hands each room what it needs, starts and stops; there are no globals."""
