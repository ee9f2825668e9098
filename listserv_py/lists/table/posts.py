"""Keywords about who may post, and what a post may be."""

from __future__ import annotations

from listserv_py.lists import contentreaders, readers
from listserv_py.lists.keyword import Keyword
from listserv_py.lists.shapes import yes_no

POSTS: tuple[Keyword, ...] = (
    Keyword(
        "Send",
        "Public[,Confirm[,Non-Member]] | access-level, …[,Confirm] |"
        " Editor[,Hold][,Confirm[,Non-Member|All]][,Semi-Moderated][,NoMIME]",
        "Public",
        "Who may post. `Confirm`: the author answers a code before his post goes on. `Editor`:"
        " others' posts go to a moderator, who posts them himself; with `Hold` they are kept and"
        " he approves them by mail. `Semi-Moderated`: a subscriber's `Urgent:` in the subject"
        " passes the moderator. `NoMIME`: what goes to a moderator has the post as text below the"
        " words, not attached, up to 100,000 octets.",
        readers.send,
        compat="With `NoMIME` posts over 100,000 octets are attached all the same.",
    ),
    Keyword(
        "Editor-Header",
        "Yes | No",
        "Yes",
        "Whether a post that goes to a moderator, who is to post it himself, is attached to an"
        " explanation; with `No` it is passed on as it came. What is held is always explained.",
        yes_no("editor_header"),
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
        "Attachments",
        "No[,Filter] | Yes[,MIME type, …][,Filter] | All[,MIME type, …][,Filter]",
        "Yes",
        "Which parts a post may have that are no text, by their Content-Type: none (`No`), or those"
        " named. With `Yes` pictures that belong to the HTML pass in any case, with `All` they do"
        " not. `Filter` takes the others out, leaving a word, instead of refusing the post; out of"
        " a signed mail nothing is taken, so it is refused. Encrypted mail passes.",
        contentreaders.attachments,
        compat="With `Filter` a signed mail is refused, as taking parts out breaks its signature.",
    ),
    Keyword(
        "Language",
        "language[,NoHTML][,Exchange]",
        "",
        "The language of the words mailed to people: English or German (also DE, Deutsch). "
        "Left out: that of the site, English where its operator has set none. "
        "`NoHTML` is the older form of `Misc-Options= DISCARD_HTML`.",
        contentreaders.language,
    ),
    Keyword(
        "Topics",
        "topic, … (at most 23)",
        "",
        "Topics that subscribers choose from by `SET list TOPICS: …`; a post names its own in front"
        " of its subject, `News: …` or `News,Jobs: …`, also behind `Re:`. A post that names none is"
        " on `Other`. A name may move to another place: its readers go with it.",
        contentreaders.topics,
        compat="Also found behind `Re:` and tags, and several with commas.",
    ),
    Keyword(
        "Sub-lists",
        "listname, …",
        "",
        "Lists whose subscribers get this list's posts too, nested ones included, up to 200, each"
        " person one copy, with the options and the header of his own list. This list's rules alone"
        " decide about the post; who is on a sub-list may post as a subscriber. A subscription to"
        " this list itself goes before, `NOMAIL` too.",
        contentreaders.sub_lists,
        site_only=True,
        compat=(
            "A copy has the header, the bounce address and the way out of the list that its reader"
            " is on, and his options there hold, so that a digest subscriber of a sub-list gets no"
            " single copy; answers go to the super-list. A mail that is sent to a sub-list as well"
            " is not distributed twice."
        ),
    ),
    Keyword(
        "Loopcheck",
        "Normal | Full | None[,Allow-Bounces] | NoOrigin, NoBody, NoCRC, NoSpam, Spam-Delay(n),"
        " Storm(n), NoStorm",
        "Normal",
        "Which checks against loops and repeats are made. `NoOrigin` lets mailers' addresses post,"
        " `NoCRC` the same text twice; `Full` also holds posts whose text has a header that names"
        " the list, unless `NoBody`. `None` makes none of these; `Allow-Bounces` distributes"
        " delivery reports. The list's own posts and a Message-ID that came before are always"
        " stopped. There is no search for spam, so `NoSpam` and `Spam-Delay(n)` change nothing."
        " Ours: `Storm(n)`, 5 if it is left out: when within an hour so many people, three of whom"
        " ask to be removed or answer by machine, post short texts, the list is held, its owners"
        " and moderators are told, and who asked is told privately how to leave. `NoStorm`: never.",
        contentreaders.loopcheck,
        compat=(
            "`Normal` lets posts through that quote a header of the list, because people do; `Full`"
            " stops them. There is no spam detector: `NoSpam` and `Spam-Delay(n)` change nothing."
        ),
    ),
    Keyword(
        "Mail-Merge",
        "No | Yes",
        "No",
        "Whether a post is filled in for each subscriber: `&*TO;` is his address, `&*NAME;` his"
        " name, and lines between `.BB` and `.EB` stand for those whom its condition fits. See"
        " [mail-merge.md](mail-merge.md).",
        yes_no("mail_merge"),
        compat=(
            "`&*URLENC(*TO);` puts the address into a link. A post whose blocks do not end is"
            " refused, and its author told. Posts that are filled in carry no ARC set of ours."
        ),
    ),
    Keyword(
        "New-List",
        "listname | address",
        "",
        "The list that took this one's place. Posts go there, under its rules, and their authors"
        " are told; so do people's commands, but owners' commands stay, and what somebody does to a"
        " subscription that he has here. To an address of another server posts are passed on as"
        " they came, and commands are answered with it; that takes a postmaster.",
        contentreaders.new_list,
        compat=(
            "Owners' commands stay with the list that they name. What goes to another server takes"
            " a postmaster, and commands for it are not passed on but answered."
        ),
    ),
    Keyword(
        "Ack",
        "Yes | No | Msg | None",
        "No",
        "ACK for new subscribers, and for people who post without being subscribed.",
        readers.ack,
    ),
)
