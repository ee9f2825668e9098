"""The values of a list's keywords, once the header's words are read.

`Keywords()` is a list whose header says nothing: LISTSERV's own defaults, not the safer ones that
`model.new_header` writes down for a new list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from listserv_py.lists.access import Access, AccessLevel
from listserv_py.mail.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class Owner:
    """An owner; a quiet one gets no notices."""

    mailbox: Mailbox
    name: str = ""
    quiet: bool = False


class ConfirmWho(StrEnum):
    """Who must answer a code before his post goes on (`Send= …,Confirm`)."""

    NOBODY = "nobody"
    EDITORS = "editors"
    """`Editor,Confirm`: those whose posts no moderator sees."""
    NON_MEMBERS = "non-members"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Send:
    """Who may post: `access`, or with `editor` the editors, all others by a moderator."""

    access: tuple[AccessLevel, ...] = (AccessLevel(Access.PUBLIC),)
    editor: bool = False
    hold: bool = False
    confirm: ConfirmWho = ConfirmWho.NOBODY
    semi_moderated: bool = False
    nomime: bool = False


class SubscriptionPolicy(StrEnum):
    """Who lets people onto the list; the values are the header's words."""

    OPEN = "Open"
    BY_OWNER = "By_Owner"
    CLOSED = "Closed"


@dataclass(frozen=True, slots=True)
class SubscriptionRule:
    """`Subscription=`: the policy, and whether the subscriber's address must answer a code."""

    policy: SubscriptionPolicy = SubscriptionPolicy.BY_OWNER
    confirm: bool = False


class ValidateLevel(StrEnum):
    """Which commands need proof of who sent them; the values are the header's words."""

    NO = "No"
    YES = "Yes"
    ALL = "All"


@dataclass(frozen=True, slots=True)
class Validate:
    """`Validate=`: what needs proof, by code too (`confirm`), never by password (`nopw`)."""

    level: ValidateLevel = ValidateLevel.NO
    confirm: bool = False
    nopw: bool = False


class ReplyToKind(StrEnum):
    """Where answers to a post go; the values are the header's words."""

    NONE = "None"
    LIST = "List"
    SENDER = "Sender"
    BOTH = "Both"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """`Reply-To=`; `address` is set for ADDRESS only; `respect` keeps the one an author has set."""

    kind: ReplyToKind = ReplyToKind.LIST
    address: Mailbox | None = None
    respect: bool = True


class SenderKind(StrEnum):
    """Who stands in the Sender field of copies; the values are the header's words."""

    LIST = "List"
    NONE = "None"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Sender:
    """`Sender=`; `name` and `mailbox` are set for ADDRESS only."""

    kind: SenderKind = SenderKind.LIST
    name: str = ""
    mailbox: Mailbox | None = None


class Confidential(StrEnum):
    """Who sees the list in LISTS; the values are the header's words."""

    NO = "No"
    YES = "Yes"
    SERVICE = "Service"


@dataclass(frozen=True, slots=True)
class Notify:
    """Whether people are told of joins and leaves: the owners, or `address`."""

    on: bool = True
    address: Mailbox | None = None


class XTags(StrEnum):
    """What becomes of other people in To and Cc; the values are the header's words."""

    KEEP = "Keep"
    YES = "Yes"
    COMMENT = "Comment"
    NO = "No"


class AttachmentRule(StrEnum):
    """Which attachments a post may have; the values are the header's words."""

    NO = "No"
    YES = "Yes"
    ALL = "All"


@dataclass(frozen=True, slots=True)
class Attachments:
    """`Attachments=`: only of these MIME types where any are named; `strip` instead of refusing."""

    rule: AttachmentRule = AttachmentRule.YES
    types: tuple[str, ...] = ()
    strip: bool = False


class FilterKind(StrEnum):
    """Which of the site's own patterns hold besides the list's; the values are the words."""

    ALSO = "Also"
    ONLY = "Only"
    SAFE = "Safe"


@dataclass(frozen=True, slots=True)
class Filter:
    """`Filter=`: who may neither post nor join, as `user@host` patterns with `*`."""

    kind: FilterKind = FilterKind.ALSO
    patterns: tuple[str, ...] = ()


class LoopcheckLevel(StrEnum):
    """How closely posts are looked at for loops; the values are the header's words."""

    NORMAL = "Normal"
    FULL = "Full"
    NONE = "None"


@dataclass(frozen=True, slots=True)
class Loopcheck:
    """`Loopcheck=`: the level, and the checks left out (`nocrc`, `nobody`), in lower case."""

    level: LoopcheckLevel = LoopcheckLevel.NORMAL
    without: frozenset[str] = frozenset()
    storm: int = 5
    """So many people make a storm; 0: none does."""

    def leaves_out(self, check: str) -> bool:
        """Whether a check is not made: by its word, or by `None`."""
        return self.level is LoopcheckLevel.NONE or check in self.without


@dataclass(frozen=True, slots=True)
class Language:
    """`Language=`: of the words mailed to people; `nohtml` is the old form of DISCARD_HTML.

    Without a name it is the site's.
    """

    name: str = ""
    nohtml: bool = False


class Rotation(StrEnum):
    """When a file of the change log ends and the next begins; the values are the words."""

    SINGLE = "Single"
    YEARLY = "Yearly"
    MONTHLY = "Monthly"
    WEEKLY = "Weekly"


class Interval(StrEnum):
    """How long the files of an archive are; the values are the words."""

    SINGLE = "Single"
    YEARLY = "Yearly"
    MONTHLY = "Monthly"
    WEEKLY = "Weekly"
    DAILY = "Daily"
    SEPARATE = "Separate"


@dataclass(frozen=True, slots=True)
class Notebook:
    """`Notebook= Yes`: the length of the archive's files, and who may read them."""

    interval: Interval = Interval.SINGLE
    access: tuple[AccessLevel, ...] = (AccessLevel(Access.PRIVATE),)


@dataclass(frozen=True, slots=True)
class Renewal:
    """`Renewal=`: periods and dates as they were written; `delay` is in days."""

    periods: tuple[str, ...] = ()
    delay: int = 7
    probe: bool = False


class AutoDeleteMode(StrEnum):
    """How far the server acts by itself; the values are the header's words."""

    NO = "No"
    """Nobody is counted; what comes back is passed on to people."""
    SEMI = "Semi-Auto"
    FULL = "Full-Auto"
    """As Semi-Auto, but what nobody can read is not passed on."""
    MANUAL = "Manual"
    """All is counted and reported, nobody taken off."""


@dataclass(frozen=True, slots=True)
class AutoDelete:
    """`Auto-Delete=`: errors go on for `delay` days, or are `most`; `probe`: in days, 0: no."""

    mode: AutoDeleteMode = AutoDeleteMode.SEMI
    delay: int = 4
    most: int = 100
    probe: int = 0

    @property
    def acts(self) -> bool:
        """Whether anybody is ever taken off."""
        return self.mode in (AutoDeleteMode.SEMI, AutoDeleteMode.FULL)


@dataclass(frozen=True, slots=True)
class ErrorsTo:
    """`Errors-To=`: the owners, the postmasters, or people."""

    owners: bool = True
    postmaster: bool = False
    people: tuple[Mailbox, ...] = ()


class Frequency(StrEnum):
    """How often a digest is due; the values are the words."""

    DAILY = "Daily"
    WEEKLY = "Weekly"
    MONTHLY = "Monthly"
    YEARLY = "Yearly"


@dataclass(frozen=True, slots=True)
class Digest:
    """`Digest=`: when an issue goes out; `size`, in lines, makes an extra one.

    `weekday` counts from Monday, 0; `day` is one of the month. `bottom_banner`: the list's banner
    stands once at the end, not below each post.
    """

    frequency: Frequency = Frequency.DAILY
    hour: int = 0
    minute: int = 0
    weekday: int = 0
    day: int = 1
    size: int = 10_000
    bottom_banner: bool = False


EVERYWHERE = ("*",)
"""The service area of a list that has none."""


@dataclass(frozen=True, slots=True)
class Keywords:
    """All that a header says, typed; see `keywords.KEYWORDS` for what each one means."""

    owners: tuple[Owner, ...] = ()
    owner_access: tuple[AccessLevel, ...] = ()
    configuration_owner: tuple[AccessLevel, ...] = (AccessLevel(Access.OWNER),)
    editors: tuple[Mailbox, ...] = ()
    editor_access: tuple[AccessLevel, ...] = ()
    moderators: tuple[Mailbox, ...] = ()
    moderator_all: bool = False
    send: Send = Send()
    subscription: SubscriptionRule = SubscriptionRule()
    validate: Validate = Validate()
    review: tuple[AccessLevel, ...] = (AccessLevel(Access.PRIVATE),)
    default_options: tuple[str, ...] = ()
    reply_to: ReplyTo = ReplyTo()
    subject_tag: str = ""
    sender: Sender = Sender()
    confidential: Confidential = Confidential.NO
    service: tuple[str, ...] = EVERYWHERE
    local: tuple[str, ...] = ()
    ack: bool = False
    notify: Notify = Notify()
    confirm_delay: timedelta = timedelta(hours=48)
    sizelim: int | None = None
    daily_threshold: int = 50
    daily_per_user: int | None = None
    misc: frozenset[str] = frozenset()
    x_tags: XTags = XTags.KEEP
    attachments: Attachments = Attachments()
    filter: Filter = Filter()
    language: Language = Language()
    loopcheck: Loopcheck = Loopcheck()
    topics: tuple[str, ...] = ()
    default_topics: tuple[str, ...] = ()
    sub_lists: tuple[str, ...] = ()
    digest: Digest | None = Digest()
    mail_merge: bool = False
    editor_header: bool = True
    safe: bool = True
    new_list: str = ""
    renewal: Renewal = Renewal()
    auto_delete: AutoDelete = AutoDelete()
    errors_to: ErrorsTo = ErrorsTo()
    change_log: Rotation | None = None
    stats: tuple[AccessLevel, ...] = (AccessLevel(Access.PRIVATE),)
    limit: int | None = None
    indent: int = 40
    notebook: Notebook | None = None
    notebook_full: bool = False
