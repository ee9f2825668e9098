"""What SET asks of a list that has no digests."""

from __future__ import annotations

from listserv_py.errors import NoDigests
from listserv_py.lists.model import MailingList
from listserv_py.lists.options import Mode, Options


def refuse_uncollected(mailing_list: MailingList, before: Options, after: Options) -> None:
    """Refuse DIGEST and INDEX where the list collects nothing: no post would come any more."""
    asks = after.mode is not Mode.NONE and (after.mode, after.at) != (before.mode, before.at)
    if asks and mailing_list.keywords.digest is None:
        raise NoDigests(mailing_list.name)
