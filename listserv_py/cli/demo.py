"""`demo`: the main job before your eyes, by a client of a real server, over real SMTP.

Two people subscribe and confirm, the owner posts to a moderated list and approves, and each reader
gets the post as he chose. Whatever does not happen ends the demonstration with status 1.
"""

import subprocess
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

import click
import dkim
from rich.console import Console

from listserv_py.cli.keyfile import make_key, public_key
from listserv_py.cli.operator import Operator, operator
from listserv_py.cli.settings_text import commented_toml
from listserv_py.cli.stage import Narrator, NotSeen, Stage, program, read_mail, running

LIST = "GARDEN"
OWNER = "anna@owner.example"
HTML_READER = "joe@reader.example"
TEXT_READER = "mia@reader.example"
SELECTOR = "demo"
TEXT = "The apple trees are in bloom: come and see them on Sunday at three.\n"
HTML = "<html><body><h1>Apple trees</h1><p>Come and see them on <b>Sunday</b>.</p></body></html>\n"


@click.command
@operator
def demo(asked: Operator) -> None:
    """Show the main job: subscribe, confirm, post, approve, and read as text or as HTML."""
    domain = asked.settings.site.domain if asked.config.exists() else "lists.example.org"
    folder = (Path(".demo") / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}").absolute()
    (folder / "data").mkdir(parents=True)
    config = _configuration(folder, domain)
    narrator = Narrator(Console(highlight=False))
    narrator.say(f"A server of {domain} starts on this machine; its mail becomes files.")
    with running(folder, config, narrator) as stage:
        _Story(stage, config, domain).tell()
    narrator.chapter("Done; have a look yourself")
    narrator.say(f"What people got:   {stage.maildir('ADDRESS')}/")
    narrator.say(f"What people sent:  {folder}/sent/")
    narrator.say(f"The server's log:  {folder}/server.log")


class _Story:
    """The steps, in order; each looks whether it really happened."""

    def __init__(self, stage: Stage, config: Path, domain: str) -> None:
        self._stage = stage
        self._narrator = stage.narrator
        self._config = config
        self._domain = domain
        self._robot = f"listserv@{domain}"
        self._list = f"{LIST.lower()}@{domain}"

    def tell(self) -> None:
        """The whole story."""
        self._narrator.chapter("The operator makes a moderated list")
        self._operate(
            "create", LIST, "--owner", OWNER, "--title", "Our garden", "--set", "Send= Editor,Hold"
        )
        self._narrator.chapter("Joe subscribes by mail, and keeps HTML")
        self._subscribe(HTML_READER, f"SUBSCRIBE {LIST} Joe Doe")
        self._narrator.chapter("Mia subscribes by mail, and wants text only")
        self._subscribe(TEXT_READER, f"SUBSCRIBE {LIST} Mia Moe WITH NOHTML")
        self._narrator.chapter("Anna posts; the list is moderated, so she is asked to approve")
        self._post_and_approve()
        self._narrator.chapter("The two get the same post, each as they chose")
        self._read()

    def _operate(self, *words: str) -> None:
        """A command of the operator's, beside the running server."""
        shown = " ".join(f"'{word}'" if " " in word else word for word in words)
        self._narrator.say(f"$ listserv-py {shown}")
        done = subprocess.run(  # noqa: S603 - our own module, by the interpreter that runs us
            [*program(), "--config", str(self._config), *words],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NotSeen(f"{words[0]} failed: {done.stderr.strip()}")
        self._narrator.say(done.stdout.strip())

    def _subscribe(self, person: str, command: str) -> None:
        self._stage.send(_letter(person, self._robot, "", command))
        request, _ = self._stage.await_mail(person, "a request to confirm", _asks)
        if len(self._new(person)) > 1:
            raise NotSeen(f"{person} got more than the request before confirming")
        self._stage.send(_answer(request, person))
        self._stage.await_mail(person, "a word of welcome", _mentions("subscribed"))
        options = self._query(person)
        self._narrator.saw(f"{person} is on the list: {options}")

    def _query(self, person: str) -> str:
        done = subprocess.run(  # noqa: S603 - our own module, by the interpreter that runs us
            [*program(), "--config", str(self._config), "export", LIST],
            capture_output=True,
            text=True,
            check=True,
        )
        row = next((line for line in done.stdout.splitlines() if line.startswith(person)), None)
        if row is None:
            raise NotSeen(f"{person} is not on the list")
        return row

    def _post_and_approve(self) -> None:
        self._post = _letter(OWNER, self._list, "Apple trees", TEXT)
        self._post.add_alternative(HTML, subtype="html")
        self._stage.send(self._post)
        request, _ = self._stage.await_mail(OWNER, "a request to approve", _asks)
        if "message/rfc822" not in [part.get_content_type() for part in request.walk()]:
            raise NotSeen("the request to approve does not hold the post")
        self._narrator.saw("the post is attached to the request, whole")
        for reader in (HTML_READER, TEXT_READER):
            if any(_is_post(read_mail(path.read_bytes())) for path in self._new(reader)):
                raise NotSeen(f"{reader} got the post before it was approved")
        self._narrator.saw("nobody has got it yet")
        self._stage.send(_answer(request, OWNER))

    def _new(self, person: str) -> list[Path]:
        return [path for path in self._stage.maildir(person).glob("*") if path.is_file()]

    def _read(self) -> None:
        html, raw_html = self._stage.await_mail(HTML_READER, "the post", _is_post)
        kinds = [part.get_content_type() for part in html.walk()]
        if kinds != ["multipart/alternative", "text/plain", "text/html"]:
            raise NotSeen(f"{HTML_READER} did not get the post as it was built: {kinds}")
        self._narrator.saw("as Anna built it: multipart/alternative, text and HTML")
        text, raw_text = self._stage.await_mail(TEXT_READER, "the post", _is_post)
        if text.get_content_type() != "text/plain" or text.get_content() != TEXT:
            raise NotSeen(f"{TEXT_READER} did not get the text alone: {text.get_content_type()}")
        self._narrator.saw("text/plain, and nothing else")
        for mail, raw in ((html, raw_html), (text, raw_text)):
            self._check_header(mail, raw)
        self._narrator.saw("both: From Anna, an unsubscribe link, an envelope sender each")
        self._narrator.saw("both: the DKIM signature verifies")

    def _check_header(self, mail: EmailMessage, raw: bytes) -> None:
        for name in ("List-Id", "List-Unsubscribe", "List-Post"):
            if not mail[name]:
                raise NotSeen(f"a copy has no {name}")
        if OWNER not in str(mail["From"]) or not str(mail["Return-Path"]).startswith("<owner-"):
            raise NotSeen("a copy does not say who wrote it, or who takes its bounces")
        signed = raw.partition(b"\n")[2].replace(b"\n", b"\r\n")
        if not dkim.verify(signed, dnsfunc=self._dns):
            raise NotSeen("the DKIM signature of a copy does not verify")

    def _dns(self, name: bytes, timeout: float = 5) -> bytes | None:
        """The DNS of the demonstration: it knows our key and nothing else."""
        del timeout
        if name.decode().rstrip(".") != f"{SELECTOR}._domainkey.{self._domain}":
            return None
        return b"v=DKIM1; k=rsa; p=" + b64encode(
            public_key(self._config.parent / "data/dkim.pem").data
        )


def _configuration(folder: Path, domain: str) -> Path:
    """A configuration for this demonstration alone: its own folder, port and key."""
    key_file = folder / "data" / "dkim.pem"
    make_key(key_file, owner=folder)
    path = folder / "listserv.toml"
    values = {
        "site.domain": f'"{domain}"',
        "site.postmasters": '["operator@owner.example"]',
        "site.data_dir": '"data"',
        "listen.address": '"127.0.0.1:0"',
        "delivery.transport": '"maildir"',
        "dkim.selector": f'"{SELECTOR}"',
        "dkim.key_file": '"data/dkim.pem"',
        "dmarc.rewrite": "false",
    }
    path.write_text(commented_toml(values), encoding="utf-8")
    return path


def _letter(sender: str, to: str, subject: str, body: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, to
    if subject:
        mail["Subject"] = subject
    mail["Date"] = formatdate(localtime=True)
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    mail.set_content(body)
    return mail


def _answer(request: EmailMessage, person: str) -> EmailMessage:
    """A reply as mail programs write it: the subject kept, one word on top of the quotation."""
    reply = _letter(person, str(request["From"]), f"Re: {request['Subject']}", "ok\n")
    reply["In-Reply-To"] = reply["References"] = str(request["Message-ID"])
    return reply


def _asks(mail: EmailMessage) -> bool:
    return str(mail["Subject"]).endswith(")") and "(" in str(mail["Subject"])


def _mentions(word: str) -> Callable[[EmailMessage], bool]:
    def is_it(mail: EmailMessage) -> bool:
        return word in str(mail["Subject"]).lower()

    return is_it


def _is_post(mail: EmailMessage) -> bool:
    return str(mail["Subject"]) == "Apple trees"
