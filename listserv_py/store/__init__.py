"""The only room that speaks SQL: lists, subscribers, spool, outbox, cookies, and what was seen."""
