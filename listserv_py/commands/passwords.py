"""PW and PWC: passwords for those who do not want to answer a code for each command.

The password itself is hashed before anything is kept: what waits for a code holds only the hash,
as the line's data, and nobody can write such data into a mail. No error quotes the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from listserv_py.commands.command import Command, Confirm, Privilege, Request, abbreviates
from listserv_py.commands.errors import BadPassword, NoPassword, PasswordExists
from listserv_py.commands.secret import hashed
from listserv_py.commands.syntax import fold
from listserv_py.errors import BadAddress
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.texts.dates import moment

LENGTH = range(8, 65)
ACTIONS = ("ADD", "CHange", "REP", "DELete", "RESET")
ACTIONS_FOR = ("ADD", "DELete", "Query")
_NEW = frozenset({"ADD", "CHANGE", "REP"})


def prepare_pw(request: Request) -> Request:
    """Refuse what cannot be done, and hash the new password."""
    action, words = _split(request.arguments.text, ACTIONS)
    _check(request, request.actor.mailbox, action)
    return _prepared(request, action, action, words)


def weigh_pw(request: Request) -> Confirm:
    """Whoever knows the old password may change it or give it up."""
    known = request.arguments.text in {"CHANGE", "DELETE"}
    return Confirm.NOT_BY_SIGNATURE if known else Confirm.ALWAYS


def pw(request: Request) -> str:
    """Set or forget the sender's password."""
    return _done(request, request.actor.mailbox, request.arguments.text)


def prepare_pwc(request: Request) -> Request:
    """Refuse what cannot be done, and hash the new password."""
    action, words = _split(request.arguments.text, ACTIONS_FOR)
    if not words:
        raise BadPassword
    person = _person(words[0])
    if action == "DELETE":
        _check(request, person, action)
    return _prepared(request, f"{action} {person}", action, words[1:])


def pwc(request: Request) -> str:
    """Set, forget or look for somebody else's password."""
    action, person = request.arguments.text.split()
    mailbox = parse_mailbox(person)
    if action != "QUERY":
        return _done(request, mailbox, action)
    since = request.turn.tx.passwords.since(mailbox)
    if since is None:
        return request.say("PWC_NONE", WHOM=person)
    return request.say("PWC_SINCE", WHOM=person, DATE=moment(since))


def shown_pw(rest: str) -> str:
    """What an echo shows behind PW: the action, when it is one."""
    return _shown(rest, ACTIONS)[0]


def shown_pwc(rest: str) -> str:
    """What an echo shows behind PWC: the action and the address, when they are such."""
    action, words = _shown(rest, ACTIONS_FOR)
    if not action or not words:
        return action
    try:
        return f"{action} {_person(words[0])}"
    except BadAddress:
        return action


def _shown(rest: str, actions: Sequence[str]) -> tuple[str, Sequence[str]]:
    try:
        return _split(rest, actions)
    except BadPassword:
        return "", ()


def _split(text: str, actions: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The whole word of the action, and the words behind it."""
    word, *words = text.split() or [""]
    for name in actions:
        if word and abbreviates(fold(word), name):
            return fold(name), words
    raise BadPassword


def _person(word: str) -> Mailbox:
    try:
        return parse_mailbox(word.strip("<>"))
    except BadAddress:
        # What stands here may be the password.
        raise BadAddress("…") from None


def _check(request: Request, mailbox: Mailbox, action: str) -> None:
    has_one = request.turn.tx.passwords.hash_of(mailbox) is not None
    if action == "ADD" and has_one:
        raise PasswordExists
    if action in {"CHANGE", "DELETE", "RESET"} and not has_one:
        raise NoPassword(str(mailbox))


def _prepared(request: Request, text: str, action: str, words: Sequence[str]) -> Request:
    """The request without the password; what a code has confirmed brings its hash along."""
    arguments = replace(request.arguments, text=text)
    if request.data or action not in _NEW:
        if words:
            raise BadPassword
        return replace(request, arguments=arguments)
    if len(words) != 1 or len(words[0]) not in LENGTH or not words[0].isprintable():
        raise BadPassword
    secret = hashed(request, words[0])
    return replace(request, arguments=arguments, data=(secret,))


def _done(request: Request, mailbox: Mailbox, action: str) -> str:
    passwords = request.turn.tx.passwords
    if action in _NEW:
        passwords.set(mailbox, request.data[0], request.turn.now)
        return request.say("PW_SET", WHOM=str(mailbox))
    passwords.forget(mailbox)
    return request.say("PW_GONE", WHOM=str(mailbox))


PW = Command(
    keyword="PW",
    syntax="pw",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.ALWAYS,
    handler=pw,
    prepare=prepare_pw,
    weigh=weigh_pw,
    conceal=shown_pw,
    unmistakable=True,
    compat=(
        "Capitals and small letters differ, 8 to 64 characters, because they are kept hashed. A"
        " first password takes a code."
    ),
)

PWC = Command(
    keyword="PWC",
    syntax="pwc",
    privilege=Privilege.POSTMASTER,
    confirm=Confirm.NOT_BY_SIGNATURE,
    handler=pwc,
    prepare=prepare_pwc,
    conceal=shown_pwc,
    unmistakable=True,
)
