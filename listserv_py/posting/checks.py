"""The rules that a post passes, in order: small pure functions `Post -> Verdict | None`.

The first verdict wins. What protects everybody (loops, repeats, size) stands first and binds
approved posts too; what says who may post stands behind it. `CHECKS` is the whole policy.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from listserv_py.lists.access import Access, AccessLevel
from listserv_py.lists.contentfilter import Action, Looked, first_match
from listserv_py.lists.filters import is_filtered
from listserv_py.lists.roles import STAFF, Elsewhere, Role, may
from listserv_py.lists.values import ConfirmWho, LoopcheckLevel
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.words import to_text
from listserv_py.posting.content import attached, html_only
from listserv_py.posting.merge import blocks, looked_at
from listserv_py.posting.post import Post, Repeat
from listserv_py.posting.verdict import (
    Asked,
    Discard,
    Distribute,
    Forward,
    Hold,
    Reason,
    Reject,
    Verdict,
)

HOPS_MAX = 40
COMMAND_LINES_MAX = 4
COMMAND_LINE_MAX = 120
_PASSWORD = re.compile(r"(?:^|[ \t(,])PW[ \t]*=|^PWC?[ \t]", re.ASCII | re.IGNORECASE)
_CODE = re.compile(r"\([0-9A-Fa-f]{16}\)")
_MACHINES = frozenset({"mailer-daemon", "postmaster", "uucp"})
_HEADERS = ("sender:", "from:", "reply-to:")
_UNLIMITED = frozenset({Role.OWNER, Role.EDITOR, Role.POSTMASTER})


def unreadable(post: Post) -> Verdict | None:
    """Refuse what is over the limits of reading: its parts would be judged by guessing."""
    if post.message.fault is None:
        return None
    return Reject("POST_UNREADABLE", {"FAULT": post.message.fault})


def own_loop(post: Post) -> Verdict | None:
    """Drop what this list has sent already, what we wrote ourselves, and what runs in circles."""
    own_id = f"<{post.mailing_list.name}.{post.mailing_list.domain}>".lower()
    if any(own_id in _lower(field.value) for field in post.message.all("list-id")):
        return Discard("it carries the list's own List-Id")
    own_post = f"mailto:{post.mailing_list.address}".lower()
    if any(own_post in _lower(field.value) for field in post.message.all("list-post")):
        return Discard("it carries the list's own List-Post")
    if any(str(post.mailing_list.address) in _lower(f.value) for f in post.message.all("x-loop")):
        return Discard("it carries the list's own X-Loop")
    request = f"{post.mailing_list.name.lower()}-request@{post.mailing_list.domain}"
    if any(request in _lower(field.value) for field in post.message.all("resent-from")):
        return Discard("the list has sent it on")
    if post.is_ours or post.message.all("x-lsv-listid"):
        return Discard("this server wrote it")
    if len(post.message.received) > HOPS_MAX:
        return Discard("too many hops")
    return None


def _lower(value: bytes) -> str:
    return value.decode("ascii", "replace").lower()


def machine_answer(post: Post) -> Verdict | None:
    """Drop bounces and automatic answers; what a machine writes of its own accord may be a post."""
    loopcheck = post.mailing_list.keywords.loopcheck
    report = post.message.root.content_type == "multipart/report"
    if report and "allow-bounces" not in loopcheck.without:
        return Discard("a delivery report")
    answers = (post.message.text("auto-submitted") or "").lower().startswith("auto-replied")
    if answers or post.message.all("x-autoreply") or post.message.all("x-autorespond"):
        return Discard("an automatic answer")
    if loopcheck.leaves_out("noorigin"):
        return None
    senders = {one for one in (post.reverse_path, post.author) if one is not None}
    if any(one.local_part.lower() in _MACHINES for one in senders - post.people):
        return Discard("a mailer's address")
    return None


def repeated(post: Post) -> Verdict | None:
    """Stop what the list distributed within the last days."""
    if post.repeat is Repeat.SAME_ID:
        return Discard("its Message-ID was distributed already")
    by_text = not post.mailing_list.keywords.loopcheck.leaves_out("nocrc")
    if post.repeat is Repeat.SAME_TEXT and by_text:
        return Reject("POST_REPEATED")
    return None


def quotes_header(post: Post) -> Verdict | None:
    """`Loopcheck= Full`: a header that names the list stands in the text, as in many a bounce."""
    loopcheck = post.mailing_list.keywords.loopcheck
    full = loopcheck.level is LoopcheckLevel.FULL and not loopcheck.leaves_out("nobody")
    if not full or post.approved:
        return None
    address = str(post.mailing_list.address).lower()
    lines = post.message.command_text.lower().split("\n")
    if any(line.startswith(_HEADERS) and address in line for line in lines):
        return Hold(Reason.QUOTES_HEADER, Asked.OWNERS)
    return None


def oversize(post: Post) -> Verdict | None:
    """Refuse what is larger than Sizelim=."""
    limit = post.mailing_list.keywords.sizelim
    if limit is None or post.size <= limit:
        return None
    return Reject("SIZELIM_EXCEEDED", {"SIZE": _kilobytes(post.size), "LIMIT": _kilobytes(limit)})


def _kilobytes(octets: int) -> str:
    return f"{max(1, round(octets / 1024))} kB"


def nobody_wrote_it(post: Post) -> Verdict | None:
    """Keep for the owners what names no one author (RFC 5322 3.6.2, deviation: never two).

    Two From fields, or one that readers take differently, may go out on nobody's word.
    """
    if post.author is not None:
        return None
    found = post.message.all("from")
    if len(found) != 1 or not found[0].is_strict:
        return Forward(Reason.NO_AUTHOR, Asked.OWNERS)
    return None if post.approved else Hold(Reason.NO_AUTHOR, Asked.OWNERS)


def command_by_mistake(post: Post) -> Verdict | None:
    """Catch a short mail that is a command, or an empty one with a command as its subject.

    A code of ours in the subject makes it an answer to a request, and a password in the first line
    or the subject a command, however long the mail is: nobody else may see those.
    """
    if post.approved or post.confirmed:
        return None
    if _CODE.search(post.message.subject):
        return Reject("COMMAND_TO_LIST")
    said = []
    for line in post.message.command_text.split("\n"):
        if line.rstrip() == "--":
            break
        if line.strip() and not line.lstrip().startswith(">"):
            said.append(line.strip())
        if len(said) > COMMAND_LINES_MAX:
            break
    first = said[0] if said else post.message.subject
    for line in (first, post.message.subject):
        if _PASSWORD.search(line) and post.recognises(line):
            return Reject("COMMAND_TO_LIST")
    if len(said) > COMMAND_LINES_MAX or len(first) > COMMAND_LINE_MAX:
        return None
    return Reject("COMMAND_TO_LIST") if post.recognises(first) else None


def shows_code(post: Post) -> Verdict | None:
    """Refuse what would show a code that still serves to everybody on the list."""
    if post.shows_code and not (post.approved or post.confirmed):
        return Reject("POST_SHOWS_CODE")
    return None


def filtered(post: Post) -> Verdict | None:
    """The owners' CONTENT_FILTER; what a moderator has approved it lets pass."""
    if not post.rules or post.approved:
        return None
    header = [(field.name, to_text(field.value)) for field in post.message.fields]
    found = first_match(post.rules, Looked(header, post.message.command_text))
    if found is None or found.action is Action.ALLOW:
        return None
    if found.action is Action.DISCARD:
        return Discard(f"line {found.line} of the content filter")
    if found.action is Action.MODERATE:
        return Hold(Reason.FILTERED, Asked.MODERATOR)
    return Reject("POST_FILTERED", {"REASON": found.reason})


def unwelcome(post: Post) -> Verdict | None:
    """`Filter=`: whom it names may not post, but for those whom the header names as well."""
    if post.author is None or post.author in post.people:
        return None
    if is_filtered(post.mailing_list.keywords, post.author):
        return Reject("NOT_AUTHORIZED")
    return None


def no_post(post: Post) -> Verdict | None:
    """NOPOST beats every right; a default NOPOST keeps strangers out, not the list's own staff."""
    if post.options.post or (not post.is_subscriber and post.roles & STAFF):
        return None
    return Reject("NOT_AUTHORIZED")


def may_send(post: Post) -> Verdict | None:
    """Who may post where `Send=` names access levels."""
    send = post.mailing_list.keywords.send
    if send.editor or post.approved or post.author is None:
        return None
    if not may(_claimless(post, send.access), post.author, post.rights, post.elsewhere):
        if not may(send.access, post.author, post.roles, post.elsewhere):
            return Reject("NOT_AUTHORIZED")
        if not post.proven:
            return _author_confirms(post, Reason.UNPROVEN)
    return _list_confirms(post)


def _claimless(post: Post, access: tuple[AccessLevel, ...]) -> tuple[AccessLevel, ...]:
    """The levels that a bare From line may use; the others are rights, to be proven."""
    if post.proven:
        return access
    open_to_all = (Access.PUBLIC, Access.SERVICE, Access.PRIVATE)
    return tuple(level for level in access if level.access in open_to_all)


def _list_confirms(post: Post) -> Verdict | None:
    """`Send= …,Confirm`: the author's own word, for everybody or for those who are not members."""
    if post.proven or post.approved:
        return None
    who = post.mailing_list.keywords.send.confirm
    member = post.is_subscriber or post.roles & STAFF
    if who is ConfirmWho.ALL or (who is ConfirmWho.NON_MEMBERS and not member):
        return _author_confirms(post, Reason.LIST_CONFIRMS)
    return None


def _author_confirms(post: Post, reason: Reason) -> Verdict:
    """Ask the author; a machine cannot be asked, so its mail is a moderator's to judge."""
    if post.automatic:
        return Hold(Reason.MACHINE, Asked.MODERATOR)
    return Hold(reason, Asked.AUTHOR)


def may_edit(post: Post) -> Verdict | None:
    """Who may post where `Send= Editor`: editors themselves, others by a moderator."""
    send = post.mailing_list.keywords.send
    if not send.editor or post.approved or post.author is None:
        return None
    if post.rights & STAFF:
        return None
    if _edits_by_level(post, post.author):
        unasked = send.confirm in (ConfirmWho.NOBODY, ConfirmWho.NON_MEMBERS)
        return None if unasked or post.proven else _author_confirms(post, Reason.LIST_CONFIRMS)
    if post.roles & STAFF and not post.automatic:
        return _staff_confirms(post)
    asked = _list_confirms(post)
    if asked or _is_urgent(post):
        return asked
    if send.hold:
        return Hold(Reason.MODERATED, Asked.MODERATOR)
    return Forward(Reason.MODERATED, Asked.MODERATOR)


def _edits_by_level(post: Post, author: Mailbox) -> bool:
    """Whether `Editor=` names a level that the author has without a claim: `(LIST)`, mostly."""
    levels = _claimless(post, post.mailing_list.keywords.editor_access)
    elsewhere = post.elsewhere if post.proven else Elsewhere(post.elsewhere.subscribed)
    return may(levels, author, post.rights, elsewhere)


def _staff_confirms(post: Post) -> Verdict:
    """One round for whoever is staff: a moderator's OK to his own post approves it as well."""
    holds = post.mailing_list.keywords.send.hold
    if holds and Role.MODERATOR in post.roles:
        return Hold(Reason.OWN_POST, Asked.AUTHOR_AS_MODERATOR)
    return Hold(Reason.UNPROVEN, Asked.AUTHOR)


def _is_urgent(post: Post) -> bool:
    """`Semi-Moderated`: a subscriber's "Urgent:" passes the moderator."""
    semi_moderated = post.mailing_list.keywords.send.semi_moderated
    urgent = post.message.subject.lower().startswith("urgent:")
    return semi_moderated and post.is_subscriber and urgent


def null_sender(post: Post) -> Verdict | None:
    """Bounces and answers come from the null sender; a post hardly ever, so a person looks."""
    if post.reverse_path is not None or post.approved:
        return None
    return Hold(Reason.NO_SENDER, Asked.MODERATOR)


def review_option(post: Post) -> Verdict | None:
    """REVIEW: a moderator sees the post first, whatever Send= says."""
    if not post.options.review or post.approved or post.rights & STAFF:
        return None
    if not post.is_subscriber and post.roles & STAFF:
        return None
    if Role.MODERATOR in post.roles and not post.automatic:
        return Hold(Reason.OWN_POST, Asked.AUTHOR_AS_MODERATOR)
    return Hold(Reason.REVIEWED, Asked.MODERATOR)


def forgeable(post: Post) -> Verdict | None:
    """What we would make look genuine waits for its author's word, or for a moderator's."""
    if not post.forgeable or post.proven or post.approved:
        return None
    return _author_confirms(post, Reason.FORGEABLE)


def daily_limit(post: Post) -> Verdict | None:
    """The second number of Daily-Threshold=: posts of one person a day."""
    limit = post.mailing_list.keywords.daily_per_user
    if limit is None or post.approved or post.posts_by_author < limit:
        return None
    if post.rights & _UNLIMITED:
        return None
    if post.roles & _UNLIMITED:
        return _author_confirms(post, Reason.UNPROVEN)
    return Reject("POST_LIMIT", {"LIMIT": str(limit)})


def held_list(post: Post) -> Verdict | None:
    """A held list keeps everything until FREE."""
    return Hold(Reason.LIST_HELD, Asked.NOBODY) if post.mailing_list.held else None


Check = Callable[[Post], Verdict | None]

CHECKS: tuple[Check, ...] = (
    unreadable,
    own_loop,
    machine_answer,
    repeated,
    oversize,
    nobody_wrote_it,
    command_by_mistake,
    shows_code,
    filtered,
    no_post,
    unwelcome,
    may_send,
    html_only,
    attached,
    blocks,
    may_edit,
    quotes_header,
    null_sender,
    review_option,
    looked_at,
    forgeable,
    daily_limit,
    held_list,
)

BEFORE_ALL: tuple[Check, ...] = (
    unreadable,
    own_loop,
    machine_answer,
    repeated,
    oversize,
    nobody_wrote_it,
    command_by_mistake,
    shows_code,
    held_list,
)
"""What is asked of posts that somebody else's list decides on."""


def judge(post: Post, checks: tuple[Check, ...] = CHECKS) -> Verdict:
    """The first verdict that a check has, else the post goes out."""
    verdicts = (check(post) for check in checks)
    return next((verdict for verdict in verdicts if verdict is not None), Distribute())
