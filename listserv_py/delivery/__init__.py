"""The door out: a mailing becomes copies, copies become SMTP transactions, each with an outcome."""
