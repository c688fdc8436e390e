"""Guards before a file change: each may refuse the change, and then the program tells its model why.

A new guard is one line in `GUARDS`. xats asks them in order for each file of the change. The first refusal counts.
"""

from __future__ import annotations

import os

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xats.core.agents.agents import Agent
    from xats.hooks.call import Call
    from xats.store import Tx

    Check = Callable[[Tx, Agent, str], Mapping[str, str] | None]

PATCHED = (
    "*** Add File",
    "*** Update File",
    "*** Delete File",
    "*** Move to",
)  # what stands before the name of a file in a patch


@record
class Guard:
    """A check before a file change."""

    code: str  #: a stable word for programs
    sentence: str  #: for the model; `{path}` is the file, other fields in braces are what the check returns
    check: Check  #: takes the transaction, the agent and the path; None allows the change


@record
class Refusal:
    """Why an agent may not change a file now."""

    code: str
    sentence: str

    @property
    def text(self) -> str:
        """What the model reads."""
        return f"{self.sentence} ({self.code})"


GUARDS: tuple[Guard, ...] = ()


def refusal(tx: Tx, agent: Agent, call: Call) -> Refusal | None:
    """Return why `agent` may not make the change that `call` announces, None where no guard refuses it."""
    for path in paths(call) if GUARDS else ():
        for guard in GUARDS:
            facts = guard.check(tx, agent, path)
            if facts is not None:
                return Refusal(guard.code, guard.sentence.format(path=path, **facts))
    return None


def paths(call: Call) -> list[str]:
    """Return the files that a tool is about to change, as far as its input names them, as absolute paths."""
    given = call.payload.get("tool_input")
    if not isinstance(given, dict):
        return []
    named = [given.get(name) for name in ("file_path", "notebook_path", "path", "filePath")]
    found = [one for one in named if isinstance(one, str) and one]
    for name in ("command", "input", "patch", "patchText"):
        patch = given.get(name)
        if isinstance(patch, str) and "*** " in patch:  # the patches of Codex name their files in lines of their own
            for line in patch.splitlines():
                head, _, rest = line.partition(": ")
                if rest and head in PATCHED:
                    found.append(rest.strip())
    return [os.path.join(call.folder or "", one) for one in found]
