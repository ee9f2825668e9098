"""Returned mail: read, attributed to a subscription, counted."""
