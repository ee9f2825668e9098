"""Letters: addresses, envelopes, messages, and how they are read and written."""
