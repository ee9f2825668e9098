"""Run inside `mailman shell`: opens the list to everybody and puts MANY people on it.

In a transaction for each 500: it takes Mailman seven CPU seconds for a thousand all the same.
"""

import os


def mailman_fill(mlist):  # type: ignore[no-untyped-def]
    """The list as the bench wants it."""
    from mailman.config import config  # noqa: PLC0415 - only Mailman's own Python has these
    from mailman.interfaces.action import Action  # noqa: PLC0415
    from mailman.interfaces.member import MemberRole  # noqa: PLC0415
    from mailman.interfaces.usermanager import IUserManager  # noqa: PLC0415
    from zope.component import getUtility  # noqa: PLC0415

    users = getUtility(IUserManager)
    mlist.send_welcome_message = False
    mlist.admin_immed_notify = False
    mlist.admin_notify_mchanges = False
    mlist.digests_enabled = False
    mlist.default_member_action = Action.accept
    mlist.default_nonmember_action = Action.accept
    mlist.max_message_size = 0
    mlist.max_num_recipients = 0
    for number in range(int(os.environ["MANY"])):
        address = f"sub{number}@example.test"
        known = users.get_address(address) or users.create_address(address, f"Sub {number}")
        mlist.subscribe(known, MemberRole.member, send_welcome_message=False)
        if number % 500 == 499:
            config.db.commit()
    config.db.commit()
