"""docs/commands.md, written from the table of commands."""

from listserv_py.commands.card import card, details
from listserv_py.commands.command import Command, Confirm, Privilege
from listserv_py.commands.interpreter import COMMANDS_MAX, ERRORS_MAX, OWNERS_MAX
from listserv_py.commands.rights import ENOUGH
from listserv_py.commands.syntax import shown
from listserv_py.commands.table import COMMANDS
from listserv_py.lists.options import OPTIONS
from listserv_py.mail.proof import Proof
from listserv_py.texts.forms import Forms
from listserv_py.texts.words import Words

_WORDS = Words(Forms.load())
_WHO = {
    Privilege.ANYBODY: "anybody",
    Privilege.SUBSCRIBER: "subscribers",
    Privilege.OWNER: "owners",
    Privilege.CONFIGURER: "owners, or whom `Configuration-Owner=` names",
    Privilege.MODERATOR: "owners and moderators",
    Privilege.POSTMASTER: "postmasters",
    Privilege.DISTRIBUTOR: "whom `[site] distribute` names",
}
_CODE = {
    Confirm.NEVER: "never",
    Confirm.ORDINARY: "where the list says `Validate= All`; unless the sender is proven",
    Confirm.PROTECTED: "unless the list says `Validate= No`, or the sender is proven",
    Confirm.UNLESS_PROVEN: "unless the sender is proven",
    Confirm.NOT_BY_SIGNATURE: "unless `PW=` stands with it; a signature is not enough",
    Confirm.BY_PASSWORD: "never; a password has to stand with it",
    Confirm.ALWAYS: "always, whatever else proves the sender",
}
_PROOFS = {
    Proof.CODE: "code",
    Proof.PASSWORD: "password",
    Proof.DKIM: "signature",
}


def page() -> str:
    """docs/commands.md."""
    return _PAGE.format(
        card=card(COMMANDS, _WORDS),
        commands="\n".join(_section(unit) for unit in COMMANDS.units),
        options="\n".join(_option_rows()),
        rights="\n".join(_rights_rows()),
        commands_max=COMMANDS_MAX,
        owners_max=OWNERS_MAX,
        errors_max=ERRORS_MAX,
    )


def _section(unit: Command) -> str:
    also = ", ".join(f"`{name}`" for name in unit.synonyms)
    line = f"{unit.keyword} {shown(unit.syntax)}".rstrip()
    rows = [
        f"### `{line}`",
        "",
        f"{_WORDS.row(unit.summary_form, {})}. {details(unit, _WORDS)}".rstrip(),
        "",
        f"* Who: {_WHO[unit.privilege]}{_everywhere(unit)}",
        f"* Confirmed by code: {_CODE[unit.confirm]}",
    ]
    rows += [f"* Also written: {also}"] if also else []
    rows += ["* `QUIET` in front: the person concerned is not told"] if unit.takes_quiet else []
    return "\n".join([*rows, ""])


def _everywhere(unit: Command) -> str:
    alone = (Privilege.ANYBODY, Privilege.POSTMASTER, Privilege.DISTRIBUTOR)
    return "" if unit.privilege in alone else "; postmasters on every list"


def _rights_rows() -> list[str]:
    rows = []
    for wanted, by_level in ENOUGH.items():
        units = ", ".join(one.word for one in COMMANDS.units if one.confirm is wanted)
        cells = " | ".join(_enough(enough) for enough in by_level.values())
        rows.append(f"| {units} | {cells} |")
    return rows


def _enough(enough: frozenset[Proof]) -> str:
    if Proof.NONE in enough:
        return "nothing"
    return ", ".join(word for proof, word in _PROOFS.items() if proof in enough)


def _option_rows() -> list[str]:
    return [
        f"| `{one.syntax}` | {_WORDS.row(one.form, {})} | {'owners' if one.owner_only else ''} |"
        for one in OPTIONS
    ]


_PAGE = """\
# Commands

Generated from the table in `listserv_py/commands/`; `make docs` writes it anew.

Commands go to the command address, one a line, in the text of a mail. Capitals and small letters
are the same; the letters in capitals below are the shortest abbreviation. Blank lines and quoted
lines (`>`) are skipped, and a line `-- ` ends the commands. A mail may hold {commands_max}
commands, and of those of an owner {owners_max}; after {errors_max} wrong lines in a row the rest
is not read.

Where this server differs from LISTSERV: when a mail has no line at all in its text, a command in
its Subject is taken. A confirmation code has 16 digits and serves only the address that it was
sent to.
`PW=password` may stand anywhere in a line and proves its sender; it is never echoed.

```
{card}
```

## In detail

{commands}
## What a command needs

What is enough, besides the From line, so that a command runs without a request for confirmation;
everything else has to answer one. Who may give it at all stands above. A list may refuse
passwords (`Validate= …,NoPW`) and signatures (`Misc-Options= NO_DKIM_PROOF`). What is done `FOR`
somebody else needs what ADD needs, and so does what only owners see; SERVE needs it where it takes
a postmaster.

| commands | `Validate= No` | `Yes` | `All` |
|---|---|---|---|
{rights}

## Options of SET

Several may be given at once. `FOR user@host` sets them for somebody else and is for owners.

| option | meaning | who |
|---|---|---|
{options}
"""
