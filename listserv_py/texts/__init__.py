"""The words that people read: forms in LISTSERV's shape, and the language they are written in."""
