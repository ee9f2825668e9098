"""The LISTSERV language: what a command mail asks for, who may ask it, and the answer.

A command is one unit (`command.Command`), `table` lists them, `interpreter` runs the lines of a
mail. Everything happens inside one transaction; answers leave as outbox rows.
"""
