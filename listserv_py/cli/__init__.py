"""The operator's command line: one file a family of commands."""
