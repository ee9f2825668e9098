"""What is no fault of the configuration, but what an operator should know before people do."""

from collections.abc import Iterator

from listserv_py.config import Settings


def remarks(settings: Settings) -> tuple[str, ...]:
    """A line each, beginning with the setting."""
    found = []
    key_file = settings.dkim.key_file
    if key_file is None:
        found.append("dkim.key_file: not set; outgoing mail is not signed")
    elif not key_file.exists():
        found.append(f"dkim.key_file: {key_file} does not exist; outgoing mail is not signed")
    second = settings.dkim.ed25519_key_file
    if second is not None and not second.exists():
        found.append(
            f"dkim.ed25519_key_file: {second} does not exist; there is no second signature"
        )
    found += _web_remarks(settings)
    for pattern in settings.dmarc.no_rewrite:
        if "@" in pattern or len(pattern.split()) != 1:
            found.append(f"dmarc.no_rewrite: {pattern!r} is no domain; it fits nobody")
    if not settings.site.postmasters:
        found.append("site.postmasters: empty; nobody may run the site or gets its mail")
    if settings.delivery.transport == "maildir":
        found.append("delivery.transport: maildir; no mail leaves this machine")
    port = settings.tcpgui.listen
    if port is not None and not port.is_loopback:
        found.append(
            f"tcpgui.listen: {port} is not on loopback; passwords and answers travel in the clear,"
            " and anybody who reaches it may try passwords"
        )
    return tuple(found)


def _web_remarks(settings: Settings) -> Iterator[str]:
    web, dkim = settings.web, settings.dkim
    if web.base_url and web.listen is None:
        yield "web.base_url: links are written, but without web.listen nobody answers them"
    if web.listen is not None and not web.base_url:
        yield "web.base_url: not set; HTTP is answered, but no links to it are written"
    if web.base_url and not web.base_url.startswith("https:"):
        yield "web.base_url: not https; nobody heeds such a link for one-click unsubscription"
    if web.base_url and dkim.key_file is None and dkim.ed25519_key_file is None:
        yield "web.base_url: nothing is signed, so nobody heeds links for one-click unsubscription"
    if settings.metrics.listen is not None and not settings.metrics.listen.is_loopback:
        yield f"metrics.listen: {settings.metrics.listen} is not on loopback; all who reach it read"
