"""The effect of a change of a contract on readers and writers, in words and as plain values.

Backward compatible: readers with the new version can read documents of the old one, so no writer breaks. Forward
compatible: readers with the old version can read documents of the new one, so no reader breaks. A change that xats
cannot judge is `unknown`, and never counts as compatible.
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
WIDEST = 120  # characters of a pointer that are displayed


def sides(backward: Verdict | None, forward: Verdict | None, verdict: Verdict) -> list[str]:
    """Return the sides with that `verdict`: `readers`, `writers`, both or none."""
    return [who for who, found in (("readers", forward), ("writers", backward)) if found == verdict]


def broken(backward: Verdict | None, forward: Verdict | None) -> str:
    """Return in words the sides that certainly break; "" for none."""
    return " and ".join(sides(backward, forward, BREAKING))


def effect(backward: Verdict | None, forward: Verdict | None) -> str:
    """Return the effect of a change in words: `breaks readers`, `unknown for writers`, `compatible`."""
    parts = [f"breaks {broken(backward, forward)}"] if broken(backward, forward) else []
    unknown = " and ".join(sides(backward, forward, UNKNOWN))
    parts += [f"unknown for {unknown}"] if unknown else []
    return ", ".join(parts) or COMPATIBLE


def harmless(backward: Verdict | None, forward: Verdict | None) -> bool:
    """Tell whether a change certainly breaks no side."""
    return backward == forward == COMPATIBLE


def line(change: Change) -> str:
    """Return one change as a line that is safe for a terminal."""
    at = one_line(change.pointer)
    if len(at) > WIDEST:
        at = f"{at[: WIDEST * 2 // 3]}…{at[-WIDEST // 3 :]}"
    where = f" ({at})" if at else ""
    note = f"; {one_line(change.note)}" if change.note else ""
    return f"{effect(change.backward, change.forward)}: {one_line(change.text)}{where}{note}"


def lines(diff: Diff, most: int) -> list[str]:
    """Return at most `most` changes in words: breaking ones first, then unknown ones."""
    order = {BREAKING: 0, UNKNOWN: 1, COMPATIBLE: 2}
    changes = sorted(diff.changes, key=lambda one: min(order[one.backward], order[one.forward]))
    left = len(changes) - most
    return [line(one) for one in changes[:most]] + ([f"and {left} more"] if left > 0 else [])


def values(diff: Diff, old: int, new: int, *, strict: bool = False) -> dict[str, Any]:
    """Return `diff`, between the versions `old` and `new`, as plain values."""
    return {
        "from": old,
        "to": new,
        "backward": diff.backward,
        "forward": diff.forward,
        "breaks": sides(diff.backward, diff.forward, BREAKING),
        "unknown": sides(diff.backward, diff.forward, UNKNOWN),
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
