"""`send --contract`: check that a body satisfies a contract."""

from __future__ import annotations

from xats.base.record import replace
from xats.cli.contracts.text import parsed, problems
from xats.cli.kit import render
from xats.core.contracts import contracts
from xats.core.contracts.errors import ContractViolated
from xats.core.mail.sending import check_draft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit.context import Context
    from xats.core.mail.sending import Draft

SHOWN = 5  # reasons that a refusal names


def satisfying(here: Context, name: str, draft: Draft) -> Draft:
    """Return `draft` with the contract that its body satisfies: the version that `name` means now.

    Raises InvalidBody, InvalidJson, ContractViolated, Uncheckable, and what `contracts.usable` raises.
    """
    check_draft(draft)
    version = here.read(lambda tx, me: contracts.usable(tx, me.agent.team, name))
    value = parsed(draft.body, "the body", "Nothing was sent.")
    found = problems(version, value, SHOWN, "Nothing was sent.")
    if found:
        if not here.json:
            for one in found:
                render.say(f"  {render.one_line(one.pointer) or 'the body'}: {render.one_line(one.message)}")
        msg = f"The body does not satisfy {version.name}. Nothing was sent."
        raise ContractViolated(
            msg,
            f"xats contract get {version.name}",
            contract={"name": version.contract.name, "version": version.number},
            errors=[{"pointer": one.pointer, "message": one.message} for one in found],
        )
    return replace(draft, contract=(version.contract.id, version.contract.name, version.number))
