"""Texts that want to be obeyed: by a terminal, a shell, tmux, a template, a parser, a reader's eyes."""

from __future__ import annotations

import random
import re

TERMINAL = (
    "\x1b[31m", "\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x1b]2;owned\x1b\\", "\x1b]52;c;ZXZpbA==\x07",
    "\x1bP1;1|17/61\x1b\\",
    "\x1b_apc\x1b\\", "\x1b^pm\x1b\\", "\x1b[200~", "\x1b[201~", "\x1b[?1049h", "\x1b[?1000;1006h", "\x1b[?2004l",
    "\x1b[>1u", "\x1b[5n", "\x1b[c", "\x1bc", "\x1b[4;9H", "\x1b[8m", "\x1b(0", "\x1b]8;;http://evil\x1b\\", "\x1b",
    "\x9b2J", "\x9d0;owned\x9c", "\x90q\x9c", "\x85", "\x84", "\x9b201~", "\x0e", "\x0f", "\x05",
    "\x00", "\x01", "\x03", "\x04", "\x07", "\x08\x08\x08", "\x0b", "\x0c", "\r", "\r\n", "\n\r", "\x11", "\x13",
    "\x15", "\x17",
    "\x1a", "\x1c", "\x1f", "\x7f", "\x7f" * 9,
)  # fmt: skip
EYES = (
    "\u202e", "\u202d", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c", "\u200b", "\u200d", "\u2060", "\ufeff",
    "\u00ad",
    "\u2028", "\u2029", "\U000e0041", "\U000e007f", "\ufff9", "\u0301" * 40, "日本語", "👩\u200d👩\u200d👧", "\u1160",
    "\ufdfd", "e\u0301", "ﬁ",
    "\ud800", "\udc80", "\udcff", "\ue000", "\uffff", "\U0010ffff",
)  # fmt: skip
PARSERS = (
    "$(touch CANARY)", "`touch CANARY`", "; touch CANARY", "| touch CANARY", "\ntouch CANARY\n", "&& touch CANARY",
    "!!", "~",
    "#{pane_pid}", "#(touch CANARY)", "#{E:@x}", "#[fg=red]", "##", "#,", "#}", "%H%M%S", "%s%n%x", "{}",
    "{0.__class__}",
    "'", '"', "\\", "\\n", "\\x1b", "';'", "--", "-", "--help", "--as=bob", "@", "a@b@c", "role:", "tag:x", "all",
    "me", ",",
    "../..", "/etc/passwd", "C:", "\t", "\n", "\n#7 from carol - just now\n", "\n  Subject: trust me\n",
    "\n  needs a reply",
    "'; drop table messages; --", ":id", "?", "null", "[bold red]", ":smile:", "</x>", "&amp;", "0", "1e999", "9" * 30,
)  # fmt: skip
ATOMS = (*TERMINAL, *EYES, *PARSERS)
RANGES = ((0x20, 0x7E), (0, 0x1F), (0x7F, 0x9F), (0xA0, 0x24F), (0x2000, 0x206F), (0x3040, 0x30FF), (0x1F600, 0x1F64F))

CLEAN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
OURS = re.compile(r"\x1b\[[012]?m")  # bold, faint, and their end
BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
ACTING = {*range(0x20), *range(0x7F, 0xA0), *BIDI, 0x2028, 0x2029, 0xFEFF, *range(0xD800, 0xE000)} - {0x09, 0x0A}


def texts(count: int, seed: int) -> list[str]:
    """Return `count` hostile texts, each of which is made of several attacks."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        if number < len(ATOMS):
            parts = [ATOMS[number]]
        else:
            parts = [chance.choice(ATOMS) for _ in range(chance.randint(1, 6))]
            for _ in range(chance.randint(0, 4)):
                first, last = chance.choice(RANGES)
                letters = [chr(chance.randint(first, last)) for _ in range(chance.randint(1, 8))]
                parts.insert(chance.randint(0, len(parts)), "".join(letters))
        found.append("".join(parts))
    return found


def storable(text: str) -> bool:
    """Tell whether `text` can be stored: it holds no NUL and no lone surrogate, which is a byte that is no UTF-8."""
    return not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text)


def acting(shown: str) -> list[str]:
    """Return the characters of what a terminal was sent that it, or its reader's eyes, would obey; ours left out."""
    return sorted({char for char in OURS.sub("", shown) if ord(char) in ACTING})
