"""The keywords of a list header, as one table: syntax, default, meaning, reader.

A keyword is one row of KEYWORDS: its reader turns the header's items into fields of `Keywords`, and
`page` writes docs/keywords.md from the same rows. KEPT names the keywords of LISTSERV that a header
may carry here without effect; a keyword leaves it by getting a row of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from listserv_py.lists import readers
from listserv_py.lists.readers import Reader


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword: `default` is what a header says that leaves it out ("" where nothing can)."""

    name: str
    syntax: str
    default: str
    meaning: str
    reader: Reader


KEYWORDS: tuple[Keyword, ...] = (
    Keyword(
        "Owner",
        "address [(Name)], … | Quiet:, address, …",
        "",
        "Who is in charge of the list. Owners behind `Quiet:` get no notices and no mail to"
        " `LIST-request`. At least one owner is not quiet.",
        readers.owners,
    ),
    Keyword(
        "Editor",
        "address[, address | access-level]…",
        "",
        "Who posts to a moderated list without approval. The first one is a person; he approves"
        " posts where there is no `Moderator=`.",
        readers.editors,
    ),
    Keyword(
        "Moderator",
        "[All,] address, …",
        "",
        "Who approves posts: in turn, one a post; with `All` each of them is asked, and the first"
        " answer counts. Left out: the first editor, or else the first owner who is not quiet.",
        readers.moderators,
    ),
    Keyword(
        "Send",
        "Public[,Confirm[,Non-Member]] | access-level, …[,Confirm] |"
        " Editor[,Hold][,Confirm[,Non-Member|All]][,Semi-Moderated][,NoMIME]",
        "Public",
        "Who may post. `Confirm`: the author answers a code before his post goes on. `Editor`:"
        " others' posts go to a moderator, who posts them himself; with `Hold` they are kept and"
        " he approves them by mail. `Semi-Moderated`: a subscriber's `Urgent:` in the subject"
        " passes the moderator. `NoMIME` is read and changes nothing.",
        readers.send,
    ),
    Keyword(
        "Subscription",
        "Open[,Confirm] | By_Owner[,Confirm] | Closed",
        "By_Owner",
        "Who may join. By mail `Open` confirms the address in any case, so that nobody is"
        " subscribed by a stranger.",
        readers.subscription,
    ),
    Keyword(
        "Validate",
        "No | Yes[,Confirm[,NoPW]] | All,Confirm[,NoPW]",
        "No",
        "Which commands of subscribers need proof of who sent them: `Yes` the protected ones, `All`"
        " every one that changes something or shows protected data. Owners' commands always do.",
        readers.validate,
    ),
    Keyword("Review", "access-level, …", "Private", "Who may see the subscribers.", readers.review),
    Keyword(
        "Default-Options",
        "option, …",
        "",
        "The SET options of new subscribers. `NOPOST` and `REVIEW` also govern people who are not"
        " subscribed.",
        readers.default_options,
    ),
    Keyword(
        "Reply-To",
        'List | Sender | Both | None | "address" [,Respect | ,Ignore]',
        "List,Respect",
        "Where answers to a post go. `Respect` keeps a Reply-To that the author has set.",
        readers.reply_to,
    ),
    Keyword(
        "Subject-Tag",
        "text",
        "",
        "The text in brackets that subscribers with SUBJECTHDR see in the subject. Left out: the"
        " list's name.",
        readers.subject_tag,
    ),
    Keyword(
        "Confidential",
        "No | Yes | Service",
        "No",
        "Whether LISTS shows the list: `No` to everybody, `Yes` to nobody. The service area is the"
        " world, so `Service` is the same as `No`.",
        readers.confidential,
    ),
    Keyword(
        "Ack",
        "Yes | No | Msg | None",
        "No",
        "ACK for new subscribers, and for people who post without being subscribed.",
        readers.ack,
    ),
    Keyword(
        "Notify",
        "Yes | No | address",
        "Yes",
        "Who is told that somebody joined or left: the owners, nobody, or an address.",
        readers.notify,
    ),
    Keyword(
        "Confirm-Delay",
        "hours",
        "48",
        "How long a confirmation code of this list's commands and posts can be answered; at most"
        " the server's own `confirmation_age`.",
        readers.confirm_delay,
    ),
    Keyword(
        "Sizelim",
        "lines | nK | nM",
        "",
        "The largest post: lines of 80 octets, or octets. Left out: what the server takes.",
        readers.sizelim,
    ),
    Keyword(
        "Daily-Threshold",
        "posts[,posts of one person]",
        "50",
        "How many posts a day are distributed; the next one finds the list held until an owner"
        " says FREE. The second number is for one author; owners and editors have no such limit.",
        readers.daily_threshold,
    ),
    Keyword(
        "Misc-Options",
        "word, …",
        "",
        "`SUPPRESS_APPROVED_BY` leaves the moderator's address out of approved posts."
        " LISTSERV's other words are read and have no effect yet.",
        readers.misc,
    ),
    Keyword(
        "X-Tags",
        "Keep",
        "Keep",
        "To and Cc stay as the author set them. LISTSERV's `Yes`, `Comment` and `No` are refused.",
        readers.x_tags,
    ),
)

KEPT: tuple[str, ...] = (
    *("Attachments", "Auth", "Auto-Delete", "Backup", "Categories", "Change-Log"),
    *("Configuration-Owner", "DBMS", "Default-Topics", "Digest", "Editor-Header", "Errors-To"),
    *("Exit", "Files", "Filter", "Indent", "Internet-Via", "Language", "Limits", "List-Address"),
    *("List-ID", "Local", "Long-Lines", "Loopcheck", "Mail-Merge", "Mail-Via", "New-List"),
    *("Newsgroups", "NJE-Via", "Notebook", "Notebook-Header", "Peers", "Prime", "PW", "Renewal"),
    *("RSS-Abstract-Words", "Safe", "Sender", "Service", "Stats", "Sub-lists", "Topics"),
    *("Translate", "User-Exit"),
)


def page() -> str:
    """docs/keywords.md."""
    rows = [
        f"| `{k.name}=` | {_cell(k.syntax)} | {_cell(k.default) or 'none'} | {k.meaning} |"
        for k in KEYWORDS
    ]
    kept = ", ".join(f"`{name}=`" for name in sorted(KEPT, key=str.lower))
    return _PAGE.format(rows="\n".join(rows), kept=kept)


def _cell(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


_PAGE = """\
# List header keywords

Generated from `listserv_py/lists/keywords.py`; `make docs` writes it anew.

A header is text whose lines begin with `*`. The first line is the list's title. A line that begins
with `word=` sets keywords; any other line is the list's description. Values are separated by
commas, and a value with blanks stands in quotes. A keyword that is repeated appends its values.
What follows the values on a line is a comment, up to the next `word=`.

An access level is `Public`, `Postmaster`, or a list of `Private` (the subscribers), `Owner`,
`(OTHER-L)` and `Owner(OTHER-L)` (another list's subscribers and owners), and addresses.

The default is what a header means that leaves the keyword out. A new list says more than that: see
`listserv-py create`, which writes down the safer settings.

| keyword | values | default | meaning |
|---|---|---|---|
{rows}

Kept in a header without effect in this version: {kept}.
"""
