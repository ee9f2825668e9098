"""Renders and seals letters, each variant of a mailing once, and remembers those in use.

All of it runs in threads: reading, rendering and signing a large mail takes longer than the event
loop may stand still.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from listserv_py.delivery.arc import Sealer
from listserv_py.delivery.asciiheader import in_ascii
from listserv_py.delivery.fit import fit
from listserv_py.delivery.issue import render_issue
from listserv_py.delivery.render import Variant, render
from listserv_py.delivery.sign import Signers
from listserv_py.delivery.variants import VariantKey
from listserv_py.delivery.wire import Letter, split
from listserv_py.mail.listheaders import ListFacts, decode
from listserv_py.mail.message import read
from listserv_py.mail.splice import joined
from listserv_py.store.outbox import Kind
from listserv_py.store.sending import Mailing
from listserv_py.texts.merge import names_of

KEPT = 16
KEPT_BYTES = 64_000_000


@dataclass(slots=True)
class Content:
    """A post in work: its bytes, its facts, and what was made of them."""

    mailing: Mailing
    raw: bytes
    facts: ListFacts
    letters: dict[VariantKey, Letter] = field(default_factory=dict)
    drafts: dict[tuple[VariantKey, bool], Variant] = field(default_factory=dict)

    def draft(self, key: VariantKey, seven_bit: bool) -> Variant:
        """The unsigned variant."""
        found = self.drafts.get((key, seven_bit))
        if found is None:
            found = self.drafts[key, seven_bit] = self._made(key, seven_bit)
        return found

    def _made(self, key: VariantKey, seven_bit: bool) -> Variant:
        raw, facts = self.raw, self.facts
        if key.issue is not None:
            return render_issue(raw, facts, key.issue, seven_bit=seven_bit)
        if facts.listname:
            return render(raw, facts, plain=key.plain, style=key.style, seven_bit=seven_bit)
        message = read(raw)
        # Whoever wrote it need not know how a header says what is not ASCII.
        fields = (one if one.raw.isascii() else in_ascii(one) for one in message.fields)
        raw = joined(fields) + b"\r\n" + message.body
        return _as_given(raw, seven_bit=seven_bit)


class Letters:
    """The letters of the mailings in work; without `signers` they go out unsigned."""

    def __init__(self, signers: Signers, sealer: Sealer | None = None) -> None:
        self.signers, self.sealer = signers, sealer
        self._contents: OrderedDict[int, Content] = OrderedDict()

    def find(self, mailing_id: int) -> Content | None:
        """A post that is in work already."""
        return self._contents.get(mailing_id)

    async def keep(self, mailing: Mailing, raw: bytes) -> Content:
        """Take up a post; those not used for longest are forgotten."""
        content = Content(mailing, raw, decode(mailing.facts))
        self._contents[mailing.id] = content
        while len(self._contents) > 1 and (
            len(self._contents) > KEPT
            or sum(len(one.raw) for one in self._contents.values()) > KEPT_BYTES
        ):
            self._contents.popitem(last=False)
        return content

    async def of_post(self, content: Content, key: VariantKey) -> Letter:
        """The letter of a variant."""
        if content.mailing.id in self._contents:
            self._contents.move_to_end(content.mailing.id)
        letter = content.letters.get(key)
        if letter is None:
            letter = content.letters[key] = await asyncio.to_thread(self._sealed, content, key)
        return letter

    def of_single(self, mailing: Mailing, raw: bytes) -> Letter | Exception:
        """The letter of a mail to one person: signed if it is ours; or why not. Slow."""
        try:
            return self._single(mailing, raw)
        except Exception as exc:  # noqa: BLE001 - one bad mail must not stop the others
            return exc

    def _sealed(self, content: Content, key: VariantKey) -> Letter:
        signers = self.signers if content.facts.signed else ()
        facts = content.facts
        # A seal covers the body, and each copy that is filled in has another.
        sealer = self.sealer if facts.listname and not facts.merge else None
        columns = facts.columns.split()
        names = names_of(columns, of_list=bool(facts.listname)) if facts.merge else None

        def make(seven_bit: bool) -> Variant:
            draft = content.draft(key, seven_bit)
            return sealer.sealed(draft, facts) if sealer else draft

        return Letter(make, signers, facts.stamp, names)

    def _single(self, mailing: Mailing, raw: bytes) -> Letter:
        def make(seven_bit: bool) -> Variant:
            return _as_given(raw, seven_bit=True) if seven_bit else Variant(*split(raw))

        signers = () if mailing.kind == Kind.PASSED_ON else self.signers
        return Letter(make, signers, mailing.created_at)


def _as_given(raw: bytes, *, seven_bit: bool) -> Variant:
    """A mail that is nobody's post: nothing is put in, and it fits its way."""
    return Variant(*split(fit(read(raw), seven_bit=seven_bit)))
