"""What SET asks in vain: digests of a list that has none, and no mail until a day that is over.

Both are looked at where a line is read and again where it is carried out, days later perhaps.
"""

from __future__ import annotations

from listserv_py.errors import NoDigests, PastDay
from listserv_py.lists.digests import begin_of
from listserv_py.lists.model import MailingList
from listserv_py.lists.options import Mode, Options
from listserv_py.store.turn import Turn


def refuse_vain(turn: Turn, mailing_list: MailingList, before: Options, after: Options) -> None:
    """Refuse DIGEST and INDEX where the list collects nothing, and NOMAIL UNTIL a day gone by."""
    asks = after.mode is not Mode.NONE and (after.mode, after.at) != (before.mode, before.at)
    if asks and mailing_list.keywords.digest is None:
        raise NoDigests(mailing_list.name)
    until, zone = after.until, turn.settings.site.timezone
    if until and until != before.until and begin_of(until, zone) <= turn.now:
        raise PastDay(until.isoformat())
