"""What tests of digests ask for: posts, and what goes out to whom, read as the engine reads it."""

from __future__ import annotations

from pathlib import Path

from stage import Stage

from listserv_py.delivery import plan
from listserv_py.delivery.letters import Content
from listserv_py.delivery.variants import IssueForm
from listserv_py.mail.issue import Bundle, decode
from listserv_py.mail.listheaders import decode as facts_of
from listserv_py.mail.message import Message, read

LATER = 10**11


class Digests(Stage):
    """A stage with a list that everybody may post to."""

    def __init__(self, folder: Path, *people: str, sets: tuple[str, ...] = ()) -> None:
        super().__init__(folder)
        self.create("TEST-L", {"set": ["Send= Public", *sets], "subscribers": [*people]})

    def post(self, number: int, body: str = "", *, to: str = "test-l", **more: str) -> None:
        """A post with this number in its subject and its text."""
        fields = {"From": "Joe <joe@example.org>", "To": f"{to}@lists.example.org"}
        fields |= {"Subject": f"Number {number}", "Message-ID": f"<{number}@example.org>"} | more
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        self.take(f"{head}\r\n{body or f'Text {number}.'}\r\n".encode())

    def command(self, sender: str, line: str) -> None:
        """A command mail, and its confirmation."""
        subject = "x"
        for body in (line, "ok"):
            self.take(
                f"From: {sender}\r\nTo: listserv@lists.example.org\r\nSubject: {subject}\r\n"
                f"Message-ID: <{self.tokens}@example.org>\r\n\r\n{body}\r\n".encode()
            )
            subject = f"(C0DE{self.codes:012X})"

    def singles(self) -> list[tuple[str, str]]:
        """Who gets which post as a mail of its own."""
        found = []
        for mailing in self.tx.sending.running():
            if mailing.kind != "digest":
                facts = facts_of(mailing.facts)
                readers = self.tx.sending.page(mailing, 0, 1000)
                planned = plan.page(readers, facts, lambda _: b"", lambda *_: b"")
                subject = read(self.tx.sending.content(mailing.id) or b"").subject
                found += [(subject, one.rcpt.partition("@")[0]) for one in planned]
        return found

    def issues(self) -> list[tuple[str, str, list[str]]]:
        """Who gets which issue, and the subjects in it; by whatever way it goes."""
        found = []
        for mailing in self.tx.sending.running():
            if mailing.kind == "digest":
                people = [one.address for one in self.tx.sending.page(mailing, 0, 1000)]
                found += [self._said(mailing.id, one) for one in people]
        found += [
            self._said(due.mailing.id, due.rcpt)
            for due in self.tx.sending.due(0, LATER, 1000)
            if due.mailing.kind == "digest"
        ]
        return sorted(found)

    def delivered(self) -> None:
        """All that was on its way has arrived."""
        self.db.execute("UPDATE mailing SET state = 'done'")
        self.db.execute("DELETE FROM copy")

    def bundle(self, mailing_id: int) -> Bundle:
        """An issue as it lies in the outbox."""
        return decode(self.tx.sending.content(mailing_id) or b"")

    def _said(self, mailing_id: int, rcpt: str) -> tuple[str, str, list[str]]:
        bundle = self.bundle(mailing_id)
        subjects = [read(one.raw).subject for one in bundle.entries]
        return rcpt.partition("@")[0], bundle.words["subject"], subjects

    def rendered(self, form: IssueForm, *, seven_bit: bool = False) -> Message:
        """The oldest issue that goes out, in one form."""
        mailing = next(one for one in self.tx.sending.running() if one.kind == "digest")
        content = Content(
            mailing, self.tx.sending.content(mailing.id) or b"", facts_of(mailing.facts)
        )
        variants = (plan.issue_of(bits, "issue") for bits in range(1 << 7))
        key = next(one for one in variants if one.issue is form)
        made = content.draft(key, seven_bit)
        return read(made.head + b"\r\n" + made.body)
