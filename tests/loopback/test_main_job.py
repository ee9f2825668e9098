"""The main job on real mail: subscribe, confirm, post, approve, text or HTML."""

import re
from email.message import EmailMessage

from loopback_rig import CODE, DOMAIN, Server

OWNER = "owner@example.org"
ANNA = "anna@example.net"
BERT = "bert@example.com"
LIST = f"party-l@{DOMAIN}"
LISTSERV = f"listserv@{DOMAIN}"


def join(server: Server, address: str, command: str) -> None:
    before = len(server.inbox(address))
    server.mail(address, LISTSERV, f"{command}\n")
    request = server.received(address, before + 1, "the request")[before]
    assert CODE.search(str(request["Subject"]))
    server.confirm(address, request)
    server.received(address, before + 3, "the answer and the welcome")


def newsletter() -> EmailMessage:
    post = EmailMessage()
    post["From"] = f"Olga Owner <{OWNER}>"
    post["To"] = LIST
    post["Subject"] = "News"
    post["Message-ID"] = "<news-1@example.org>"
    post.set_content("The text part.\n")
    post.add_alternative("<p>The <b>HTML</b> part.</p>\n", subtype="html")
    return post


def test_the_main_job(server: Server) -> None:
    server.run("create", "PARTY-L", "--owner", OWNER, "--set", "Send= Editor,Hold,Confirm")
    join(server, ANNA, "SUBSCRIBE PARTY-L Anna Arm")
    join(server, BERT, "SUBSCRIBE PARTY-L Bert Berg WITH NOHTML")

    server.mail(OWNER, LIST, newsletter())
    [request] = server.received(OWNER, 1, "the approval request")
    assert re.search(r"approval required \([0-9A-F]{16}\)$", str(request["Subject"]))
    attached = [part for part in request.walk() if part.get_content_type() == "message/rfc822"]
    assert len(attached) == 1
    assert attached[0].get_content()["Message-ID"] == "<news-1@example.org>"
    server.confirm(OWNER, request)

    html = server.received(ANNA, 4, "the post")[3]
    text = server.received(BERT, 4, "the post")[3]
    assert html.get_content_type() == "multipart/alternative"
    assert text.get_content_type() == "text/plain"
    assert text.get_content().strip() == "The text part."
    for copy in (html, text):
        assert copy["Message-ID"] == "<news-1@example.org>"
        assert copy["List-Id"].endswith(f"<party-l.{DOMAIN}>")
        assert copy["Sender"] == f"owner-party-l@{DOMAIN}"
        assert copy["Precedence"] == "list"
        assert re.fullmatch(
            rf"<owner-party-l\+[a-z0-9]{{1,25}}@{DOMAIN}>", str(copy["Return-Path"]), re.IGNORECASE
        )
    assert html["Return-Path"] != text["Return-Path"]
    exported = server.run("export", "PARTY-L").splitlines()
    assert exported[0] == "address,name,options,subscribed"
    assert exported[1].startswith("anna@example.net,Anna Arm,,")
    assert exported[2].startswith("bert@example.com,Bert Berg,NOHTML,")


def test_leaving_and_a_forgery(server: Server) -> None:
    server.run("create", "PARTY-L", "--owner", OWNER)
    join(server, ANNA, "SUBSCRIBE PARTY-L Anna Arm")
    server.mail(OWNER, LISTSERV, f"DELETE PARTY-L {ANNA}\n")
    [request] = server.received(OWNER, 1, "a code for the owner whose name was forged")
    assert CODE.search(str(request["Subject"]))
    assert ANNA in server.run("export", "PARTY-L")
    server.mail(ANNA, LISTSERV, "SIGNOFF PARTY-L\n")
    server.confirm(ANNA, server.received(ANNA, 4, "a request")[3])
    answer = server.received(ANNA, 5, "the answer")[4]
    assert "You have been removed from the PARTY-L list." in answer.get_content()
    assert ANNA not in server.run("export", "PARTY-L")
