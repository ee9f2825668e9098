"""A post on its way into its list's archive, and what its copies say of that.

It is kept as it goes out, in the transaction that distributes it: what `Attachments=` takes out of
the copies is not kept either. From stays the author's own, for DMARC is a matter of each copy. The
index for searches is made afterwards, so that no post waits for it.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from listserv_py.mail.archived import noted
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.message import read
from listserv_py.posting.post import Post
from listserv_py.store.archive import link_of
from listserv_py.store.turn import Turn


def archived(turn: Turn, post: Post, content: bytes, number: int, facts: ListFacts) -> ListFacts:
    """Keep the post if its list has an archive (`Notebook=`); the facts, with where it is found."""
    mailing_list, message = post.mailing_list, post.message
    if mailing_list.keywords.notebook is None:
        return facts
    if content is not message.raw:
        message = read(content)
    link = link_of(mailing_list.name, message.message_id, content)
    turn.tx.archive.keep(mailing_list.id, number, content, noted(message), link, turn.now)
    return replace(
        facts,
        archive_url=_by_mail(turn, f"INDEX {mailing_list.name}"),
        archived_at=_by_mail(turn, f"GETPOST {mailing_list.name} {link}"),
    )


def _by_mail(turn: Turn, command: str) -> str:
    """A link that writes the mail with this command (RFC 6068 2)."""
    local, _, host = str(turn.command_address).rpartition("@")
    to = f"{quote(local, safe='!$*+-._~')}@{quote(host, safe='-._~')}"
    return f"mailto:{to}?body={quote(command, safe='-._~')}"
