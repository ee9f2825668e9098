"""Which proofs of a sender a list believes."""

from __future__ import annotations

from listserv_py.lists.model import MailingList
from listserv_py.mail.proof import Proof

NO_DKIM_PROOF = "NO_DKIM_PROOF"


def counts(proof: Proof, mailing_list: MailingList) -> bool:
    """Whether a proof serves there: a list may refuse signatures, or passwords."""
    if proof.is_by_domain and NO_DKIM_PROOF in mailing_list.keywords.misc:
        return False
    if proof is Proof.PASSWORD and mailing_list.keywords.validate.nopw:
        return False
    return proof.is_proven
