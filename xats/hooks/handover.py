"""Hand mail over in the answer of a hook: claim it, write it out, and mark it as shown or give it back."""

from __future__ import annotations

import time

from xats.base import calling, faults, process
from xats.base.record import record
from xats.core.agents import agents
from xats.core.mail import inbox
from xats.hooks import letters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.hooks.call import Call
    from xats.store import Store, Tx

FINISH = 2.0  # seconds for what must be written in any case: that mail was handed over, or that it was not
LATE = 7.0  # seconds after which a program may have dropped the answer: SECONDS in clients/model.py, with time to spare
PAGE = 20  # letters of which one answer is made up


@record
class Mail:
    """Mail that one answer hands over."""

    text: str
    claimed: inbox.Page  #: the mail in `text`, under the claim of this process

    @property
    def ids(self) -> list[int]:
        """The ids of its messages."""
        return [one.message.id for one in self.claimed.letters]


def claim(tx: Tx, call: Call, me: Agent) -> Mail | None:
    """Claim the mail of `me` that fits into one answer, and release the rest; None where nothing is to be said."""
    session = agents.current_session(tx, me)
    xats = calling.spelled(session.xats_path if session else None)
    token = call.mark()
    query = inbox.Query(PAGE, needing_reply=call.point == "turn end")
    page = inbox.claim(tx, me, query, token, process.gone)
    taken, texts, long = letters.pick(page.letters, letters.budget(call.settings()), xats)
    inbox.release(tx, me, inbox.Page(tuple(one for one in page.letters if one not in taken), False, 0, token))
    if not taken and (not long or call.point == "after a tool"):  # the prompt has announced the long ones
        return None
    return Mail(letters.page(me, texts, long, page.unread, xats), inbox.Page(tuple(taken), False, 0, token))


def hand_over(call: Call, store: Store, me: Agent, mail: Mail | None, more: str) -> None:
    """Write out the mail of `mail` and what `more` there is; then mark the mail as shown.

    The mail is unread again where the answer may not have arrived: a program drops the answer of a hook that is late.
    """
    text = "\n\n".join(filter(None, (mail.text if mail else "", more)))
    answer = call.hooks.go_on(text) if call.point == "turn end" else call.hooks.add(call.event, text)
    try:
        call.answer(answer)
    except BaseException:
        if mail:
            store.patience = FINISH
            store.write(lambda tx: inbox.release(tx, me, mail.claimed))
        raise
    faults.point("hook.after_write")
    if mail is None:
        return
    store.patience = FINISH  # otherwise the same mail would be handed over once more
    if time.time() - call.began() > LATE:
        store.write(lambda tx: inbox.release(tx, me, mail.claimed))
    elif mail.ids:
        store.write(lambda tx: inbox.mark_shown(tx, me, mail.ids, inbox.hook_reader(call.session)))
