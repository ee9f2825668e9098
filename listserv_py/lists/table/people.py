"""Keywords about who is in charge, who may join, and who may see what."""

from __future__ import annotations

from listserv_py.lists import contentreaders, readers
from listserv_py.lists.keyword import Keyword
from listserv_py.lists.shapes import areas, yes_no

PEOPLE: tuple[Keyword, ...] = (
    Keyword(
        "Owner",
        "address [(Name)], … | Quiet:, address, … | (listname)",
        "",
        "Who is in charge of the list. Owners behind `Quiet:` get no notices and no mail to"
        " `LIST-request`. At least one owner is not quiet."
        " `(OTHER-L)` and `Owner(OTHER-L)`: another list's subscribers or owners are owners"
        " too, quiet ones.",
        readers.owners,
    ),
    Keyword(
        "Configuration-Owner",
        "access-level, …",
        "Owner",
        "Who of the owners may change this header with PUT; others named here may fetch "
        "it and change it too. Postmasters always may.",
        contentreaders.configuration_owner,
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
        "Subscription",
        "Open[,Confirm] | By_Owner[,Confirm] | Closed",
        "By_Owner",
        "Who may join. By mail `Open` confirms the address in any case, so that nobody is"
        " subscribed by a stranger.",
        readers.subscription,
        compat="`Open` is confirmed by mail in any case.",
    ),
    Keyword(
        "Validate",
        "No | Yes[,Confirm[,NoPW]] | All,Confirm[,NoPW]",
        "No",
        "Which commands of subscribers need proof of who sent them: `Yes` the protected ones, `All`"
        " every one that changes something or shows protected data. Owners' commands always do.",
        readers.validate,
        compat=(
            "Owners' commands need proof in any case, also with `No`; a signature of the sender's"
            " domain is proof."
        ),
    ),
    Keyword("Review", "access-level, …", "Private", "Who may see the subscribers.", readers.review),
    Keyword(
        "Indent",
        "column",
        "40",
        "The column in which names stand in REVIEW.",
        contentreaders.indent,
    ),
    Keyword(
        "Confidential",
        "No | Yes | Service",
        "No",
        "Who hears that there is such a list: `No` everybody, `Yes` its own people, `Service` those"
        " and whoever is in its service area.",
        readers.confidential,
    ),
    Keyword(
        "Service",
        "host | pattern | country | Local, …",
        "*",
        "The service area: from which hosts people may join, and whom the access level `Service`"
        " means. `example.edu` is that host alone, `*.example.edu` all below it, `de` a country."
        " Owners may ADD anybody.",
        areas("service"),
    ),
    Keyword(
        "Local",
        "host | pattern | country, …",
        "",
        "What `Local` means in `Service=`; left out, the list's own host and those below it.",
        areas("local"),
    ),
    Keyword(
        "Stats",
        "None | Normal[,access-level, …]",
        "Normal,Private",
        "Who may see the statistics of posts.",
        contentreaders.stats,
    ),
    Keyword(
        "Default-Options",
        "option, …",
        "",
        "The SET options of new subscribers. `NOPOST` and `REVIEW` also govern people who are not"
        " subscribed.",
        readers.default_options,
        compat="HTML and NOHTML choose the form of single posts as well.",
    ),
    Keyword(
        "Default-Topics",
        "topic, …",
        "",
        "The topics of new subscribers, by the names of `Topics=`; left out: all, also those that"
        " come later.",
        contentreaders.default_topics,
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
        compat="At most the server's own time.",
    ),
    Keyword(
        "Limits",
        "Sub(n)",
        "",
        "The greatest number of subscribers.",
        contentreaders.limits,
        site_only=True,
    ),
    Keyword(
        "Filter",
        "Also | Only | Safe [,pattern, …]",
        "",
        "Addresses that may neither join nor post, such as `*@example.com`; `*` stands for any"
        " letters. With `Also` and `Safe` machines' addresses cannot join either, see `Safe=`; with"
        " `Only` the patterns alone count. Owners, editors and moderators are let through.",
        contentreaders.filter_,
        compat="There are no patterns of the site's, but see `Safe=`.",
    ),
    Keyword(
        "Safe",
        "Yes | No",
        "Yes",
        "Whether addresses that look like a machine's are kept from joining: MAILER-DAEMON,"
        " noreply, other lists' owner- and -request addresses. An owner cannot ADD them either.",
        yes_no("safe"),
    ),
    Keyword(
        "Renewal",
        "period, … | date, … [,Delay(n)] [,Probe]",
        "",
        "How often subscribers are asked whether they want to stay: so long after they last"
        " joined, posted, used SET, CHANGE or CONFIRM, or on a date. Who does not answer by CONFIRM"
        " within Delay(n) days, 7 if it is left out, is taken off. A day asks a tenth of the list"
        " at most. With Probe nobody is asked: a mail is sent that needs no answer, and only whose"
        " mail comes back is asked by another one and taken off when he does not answer.",
        contentreaders.renewal,
        compat=(
            "At most a tenth of a list is asked in a day, the longest silent first; a date counts"
            " for 30 days after it. Whose probe has not come back in a week counts as active."
        ),
    ),
    Keyword(
        "Change-Log",
        "No | Yes[,Single | ,Yearly | ,Monthly | ,Weekly]",
        "No",
        "Whether joining, leaving, changes of options and posts are logged for the owners, who"
        " fetch them by `GET list CHANGELOG`. A line is kept for a year. The word behind Yes says"
        " what a bare CHANGELOG is: everything, or this year, month or week.",
        contentreaders.change_log,
        compat=(
            "Times are UTC, lines are kept for a year, and an erased person is `-`; the lines are"
            " chained, so that an altered one is found."
        ),
    ),
)
