"""Keywords about what goes out, and what is kept of it."""

from __future__ import annotations

import re

from listserv_py.lists import bouncing, contentreaders, readers
from listserv_py.lists.digestreader import digest
from listserv_py.lists.keyword import Keyword, State
from listserv_py.lists.miscoptions import misc
from listserv_py.lists.shapes import checked

OUTGOING: tuple[Keyword, ...] = (
    Keyword(
        "Reply-To",
        'List | Sender | Both | None | "address" [,Respect | ,Ignore]',
        "List,Respect",
        "Where answers to a post go. `Respect` keeps a Reply-To that the author has set; `Ignore`"
        " takes it out, with `None` too. IETFHDR keeps the author's.",
        readers.reply_to,
    ),
    Keyword(
        "Subject-Tag",
        "text",
        "",
        "The text in brackets that subscribers with SUBJECTHDR see in the subject, once: it is"
        " known again behind `Re:`. Left out: the list's name.",
        readers.subject_tag,
    ),
    Keyword(
        "Sender",
        'List | None | "words <address>"',
        "List",
        "Who stands in the Sender field of copies: `List` is `owner-LIST`, where bounces are taken"
        " in; with `None` there is no such field. Bounces come to `owner-LIST` whatever it says.",
        contentreaders.sender,
    ),
    Keyword(
        "X-Tags",
        "Keep | Yes | Comment | No",
        "Keep",
        "`Keep` (ours): To and Cc stay as the author set them. Otherwise the list stands alone in"
        " To, and the other people move to X-To and X-cc (`Yes`), to Comments (`Comment`), or are"
        " left out (`No`). IETFHDR keeps the author's fields.",
        contentreaders.x_tags,
        compat=(
            "`Keep`, ours, leaves To and Cc as the author set them, so that his signature stays"
            " valid; new lists have it."
        ),
    ),
    Keyword(
        "Misc-Options",
        "word, …",
        "",
        "Switches, each with a row of its own below.",
        misc,
    ),
    Keyword(
        "Digest",
        "No | Yes,where [,frequency[,when[,when]]][,Size(n)][,BOTTOM_BANNER]",
        "Yes,Same,Daily,Size(10000)",
        "Digests for those who have DIGEST or INDEX: how often (`Daily`, `Weekly`, `Monthly`,"
        " `Yearly`), and when: an hour (`14:30`), a weekday, a day of the month. More than `Size`"
        " lines make an extra issue. With `BOTTOM_BANNER` the banner stands once at the end. With"
        " `No` nobody can have DIGEST or INDEX. Nothing is collected while nobody has them.",
        digest,
        compat=(
            "The default is the same whether or not there is a `Notebook=`. Hours are those of the"
            " setting `timezone`. Where digests are kept, the server decides: `where` is not used."
        ),
    ),
    Keyword(
        "Notebook",
        "No | Yes,where,interval,access-level, …",
        "No",
        "Whether posts are archived, in files of which length (`Single`, `Yearly`, `Monthly`,"
        " `Weekly`, `Daily`, `Separate`), and who may read them: `Private` where it says nothing."
        " A new word changes what stands there already, too.",
        contentreaders.notebook,
        compat=(
            "All is kept in the server's database: `where` is kept and means nothing, and the"
            " interval only names the files of INDEX, so that owners may change both."
        ),
    ),
    Keyword(
        "Notebook-Header",
        "Short | Full",
        "Short",
        "How much of a post's header GET shows: `Short` leaves out what mail servers wrote into"
        " it.",
        contentreaders.notebook_header,
        compat="The archive keeps the whole post; the keyword says what of it is shown.",
    ),
    Keyword(
        "RSS-Abstract-Words",
        "n,n",
        "100,50",
        "There are no feeds here: the archive is read by mail.",
        checked((), (), re.compile(r"[0-9]{1,5}", re.ASCII), "numbers"),
        State.NO_EFFECT,
    ),
    Keyword(
        "Auto-Delete",
        "No | Yes[,Semi-Auto | ,Full-Auto | ,Manual][,Delay(n)][,Max(n)][,Probe(n)]",
        "Yes,Semi-Auto,Delay(4),Max(100)",
        "What becomes of subscribers whose mail comes back. Errors that go on for Delay(n) days,"
        " or are Max(n), cause a probe, and whose probe comes back is taken off. `Manual`: nobody"
        " is. `Full-Auto`: mail that nobody can read is not passed on to people. `No`: nothing is"
        " counted, all is passed on. With `Probe(n)` and `NO_VERP` each subscriber gets a copy"
        " with an envelope sender of his own once in n days. See [bounces](bounces.md).",
        bouncing.auto_delete,
        compat=(
            "Nobody is taken off before a probe has come back. Passing errors are counted a"
            " quarter and stand in the daily report, with `Semi-Auto` too. What hits many readers"
            " of one post is held against nobody."
        ),
    ),
    Keyword(
        "Errors-To",
        "Owners | Postmaster | address, …",
        "Owners",
        "Who gets the daily error report and hears of subscribers who were taken off.",
        bouncing.errors_to,
    ),
)
