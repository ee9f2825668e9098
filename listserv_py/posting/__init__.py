"""A post on its way: gathered, checked, then distributed, held, refused or dropped."""
