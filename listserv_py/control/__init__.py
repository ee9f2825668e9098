"""The Unix socket by which the command line asks a running server, and what can be asked."""
