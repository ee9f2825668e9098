"""Which proofs of a sender a list believes."""

from __future__ import annotations

from listserv_py.lists.model import MailingList
from listserv_py.mail.proof import Proof

NO_DKIM_PROOF = "NO_DKIM_PROOF"


def counts(proof: Proof, mailing_list: MailingList) -> bool:
    """Whether somebody so proven may use his rights there; `Misc-Options=` refuses signatures."""
    if proof.is_by_domain and NO_DKIM_PROOF in mailing_list.keywords.misc:
        return False
    return proof.is_proven
