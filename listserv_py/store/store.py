"""`Tx`: what a deciding function is given of the store, one member a table group."""

from sqlite_utils import Database

from listserv_py.mail.token import Tokens
from listserv_py.mail.verp import Verp
from listserv_py.store.aliases import Aliases
from listserv_py.store.archive import Archive
from listserv_py.store.archive_index import ArchiveIndex
from listserv_py.store.archive_people import ArchivePeople
from listserv_py.store.bounces import Bounces
from listserv_py.store.budget import Budget
from listserv_py.store.changelog import ChangeLog
from listserv_py.store.cookies import Cookies
from listserv_py.store.digests import Digests
from listserv_py.store.headers import Headers
from listserv_py.store.jobreturns import JobReturns
from listserv_py.store.listfiles import ListFiles
from listserv_py.store.lists import Lists
from listserv_py.store.meta import Meta
from listserv_py.store.outbox import Outbox
from listserv_py.store.passwords import Passwords
from listserv_py.store.posts import Posts
from listserv_py.store.probes import Probes
from listserv_py.store.proofs import Proofs
from listserv_py.store.reach import Reach
from listserv_py.store.renewals import Renewals
from listserv_py.store.roll import Roll
from listserv_py.store.sending import Sending
from listserv_py.store.service import Service
from listserv_py.store.signup import Signup
from listserv_py.store.spool import Spool
from listserv_py.store.stats import Stats
from listserv_py.store.storms import Storms
from listserv_py.store.subscribers import Subscribers
from listserv_py.store.templates import Templates
from listserv_py.store.trail import Trail


class Tx:
    """One connection's view, valid inside the transaction that its thread has open."""

    def __init__(self, db: Database, domain: str) -> None:
        self.db = db
        self.domain = domain
        self.meta = Meta(db)
        self.lists = Lists(db, domain)
        self.headers = Headers(db)
        self.files = ListFiles(db)
        self.archive = Archive(db)
        self.archive_index = ArchiveIndex(db)
        self.archive_people = ArchivePeople(db, self.lists)
        self.templates = Templates(db)
        self.subscribers = Subscribers(db, self.lists)
        self.roll = Roll(db)
        self.stats = Stats(db)
        self.renewals = Renewals(db)
        self.spool = Spool(db, self.meta.secret("seen"))
        self.proofs = Proofs(db, self.meta.secret("seen"))
        self.bounces = Bounces(db)
        self.job_returns = JobReturns(db)
        self.storms = Storms(db, self.meta.secret("person"))
        self.probes = Probes(db, self.meta.secret("probe"))
        self.cookies = Cookies(db, self.meta.secret("cookie"))
        self.aliases = Aliases(db, self.meta.secret("alias"))
        self.budget = Budget(db, self.meta.secret("person"))
        self.posts = Posts(db, self.meta.secret("person"))
        self.signup = Signup(db)
        self.passwords = Passwords(db)
        self.service = Service(db)
        self.changelog = ChangeLog(db)
        self.trail = Trail(db, self.meta.secret("person"))
        self.digests = Digests(db)
        self.outbox = Outbox(db)
        self.reach = Reach(db)
        self.sending = Sending(db)
        self.tokens = Tokens(self.meta.secret("unsubscribe"))
        self.verp = Verp(self.meta.secret("verp"))
