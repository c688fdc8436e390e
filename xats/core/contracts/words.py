"""What a change of a contract does to whom, in words and as plain values.

Backward compatible: whoever reads by the new version can read what was written by the old one, so that no writer is
broken who goes on as before. Forward compatible: whoever reads by the old version can read what is written by the new
one, so that no reader is broken. A change that cannot be judged is `unknown`, and never taken for compatible.
"""

from __future__ import annotations

from xats.base.visible import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.schemas.compat import Verdict
    from xats.schemas.diff import Change, Diff

COMPATIBLE: Verdict = "compatible"
BREAKING: Verdict = "breaking"
UNKNOWN: Verdict = "unknown"
WIDEST = 120  # characters of a pointer that people see


def whom(backward: Verdict | None, forward: Verdict | None, verdict: Verdict) -> list[str]:
    """Return for whom `verdict` was found: `readers`, `writers`, both or none."""
    return [who for who, found in (("readers", forward), ("writers", backward)) if found == verdict]


def broken(backward: Verdict | None, forward: Verdict | None) -> str:
    """Return who is broken, in words; "" when nobody is for certain."""
    return " and ".join(whom(backward, forward, BREAKING))


def effect(backward: Verdict | None, forward: Verdict | None) -> str:
    """Return in words what a change does: `breaks readers`, `unknown for writers`, `compatible`."""
    parts = [f"breaks {broken(backward, forward)}"] if broken(backward, forward) else []
    unknown = " and ".join(whom(backward, forward, UNKNOWN))
    parts += [f"unknown for {unknown}"] if unknown else []
    return ", ".join(parts) or COMPATIBLE


def harmless(backward: Verdict | None, forward: Verdict | None) -> bool:
    """Tell whether a change is known to break nobody."""
    return backward == forward == COMPATIBLE


def line(change: Change) -> str:
    """Return one change in one line that is harmless to a terminal."""
    at = one_line(change.pointer)
    if len(at) > WIDEST:
        at = f"{at[: WIDEST * 2 // 3]}…{at[-WIDEST // 3 :]}"
    where = f" ({at})" if at else ""
    note = f"; {one_line(change.note)}" if change.note else ""
    return f"{effect(change.backward, change.forward)}: {one_line(change.text)}{where}{note}"


def lines(diff: Diff, most: int) -> list[str]:
    """Return the changes in words, at most so many: what breaks somebody first, then what is not known."""
    order = {BREAKING: 0, UNKNOWN: 1, COMPATIBLE: 2}
    changes = sorted(diff.changes, key=lambda one: min(order[one.backward], order[one.forward]))
    left = len(changes) - most
    return [line(one) for one in changes[:most]] + ([f"and {left} more"] if left > 0 else [])


def values(diff: Diff, old: int, new: int, *, strict: bool = False) -> dict[str, Any]:
    """Return `diff`, of the versions `old` and `new`, as plain values."""
    return {
        "from": old,
        "to": new,
        "backward": diff.backward,
        "forward": diff.forward,
        "breaks": whom(diff.backward, diff.forward, BREAKING),
        "unknown": whom(diff.backward, diff.forward, UNKNOWN),
        "strict": strict,
        "changes": [
            {
                "pointer": one.pointer,
                "kind": one.what,
                "text": one.text,
                "backward": one.backward,
                "forward": one.forward,
                "note": one.note,
            }
            for one in diff.changes
        ],
    }
