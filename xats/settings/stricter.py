"""Guards: the settings that a project's file may make stricter, and which of two values is the stricter one.

Each command and hook in a project with a settings file imports it, so it is small.
"""

from __future__ import annotations

# What a project's file may do to a setting.
LONGER, FEWER, MORE, STRICTER = "longer", "fewer", "more", "stricter"
# variable: what a project's file may do to it, and its default as a text of the variable
GUARDS = {
    "XATS_QUIET_MS": (LONGER, "2000"),
    "XATS_HOPS": (FEWER, "100"),
    "XATS_WAKE_OFF": (MORE, ""),
    "XATS_HOOK_BUDGET": (FEWER, "4000"),
    "XATS_INBOX_BUDGET": (FEWER, "8000"),
    "XATS_LOCK_ENFORCE": (STRICTER, "deny"),
    "XATS_LOCK_AUTO": (STRICTER, "1"),
    "XATS_ZONE_ENFORCE": (STRICTER, "warn"),
    "XATS_TURN_ENFORCE": (STRICTER, "off"),
    "XATS_WORKTREE_COPY": (MORE, ""),
    "XATS_CREW_BY_AGENTS": (STRICTER, "listed"),
}
# From the loosest to the strictest, of what STRICTER is the rule for.
LEVELS = ("allow", "0", "off", "warn", "1", "listed", "deny")
UNLIMITED = ("XATS_INBOX_BUDGET",)  # 0 stands for no limit
FIRM = ("XATS_CREW_BY_AGENTS",)  # the environment may only make it stricter, too: an agent can set a variable


def stricter(name: str, ours: str, theirs: str) -> str:
    """Return the stricter one of two texts of the variable `name`: `ours` ("": the default), and a project's."""
    rule, default = GUARDS[name]
    ours = ours or default
    if rule == MORE:
        return ",".join(one for one in dict.fromkeys((*ours.split(","), *theirs.split(","))) if one)
    if rule == STRICTER:
        return max(ours, theirs, key=LEVELS.index)
    pick = max if rule == LONGER else min

    def size(text: str) -> float:
        number = int(text)
        return float("inf") if number == 0 and name in UNLIMITED else number

    return pick(ours, theirs, key=size)
