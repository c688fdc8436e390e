"""Names and addresses: `bob`, `bob@team`, `role:reviewer`, `tag:gpu`, `cap:rust`, `all`, `me`, and lists of them.

`pool:reviewer` is the first member of a role to claim the message; it must be the only address.
"""

from __future__ import annotations

from xats.base.errors import InvalidName
from xats.base.record import record

FIRST = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
ALLOWED = FIRST | frozenset("._-")
LONGEST = 64  # characters
RESERVED = ("all", "me")
GROUPS = ("role", "tag", "cap")
PREFIXES = (*GROUPS, "pool")
FORGOTTEN = (
    ".forgotten"  # how the name of a removed team ends, perhaps with a number after it: see core/teams/changes.py
)


@record
class Address:
    """One address. `team` None means the team of the sender."""

    kind: str  #: "agent", "role", "tag", "cap", "pool", "all" or "me"
    name: str  #: the name, role or label; "" for `all` and `me`
    team: str | None

    def __str__(self) -> str:
        prefix = f"{self.kind}:" if self.kind in PREFIXES else ""
        at = f"@{self.team}" if self.team else ""
        return f"{prefix}{self.name or self.kind}{at}"


def check_name(name: str, what: str = "name") -> str:
    """Return `name` if it may be the name of an agent, team, role, tag or capability.

    Raises InvalidName. The rule is strict because a name can reach a terminal.
    """
    if 0 < len(name) <= LONGEST and name[0] in FIRST and ALLOWED.issuperset(name):
        if name.lower() in RESERVED:
            msg = f"{name} is a reserved word and cannot be a {what}."
            raise InvalidName(msg)
        return name
    msg = f"{name[:80]!r} cannot be a {what}: 1 to {LONGEST} of A-Z a-z 0-9 . _ -, beginning with a letter or digit."
    raise InvalidName(msg)


def is_forgotten(team: str) -> bool:
    """Tell whether a team is the history of a removed one, by its name: it gets no agents and no mail."""
    _, found, end = team.rpartition(FORGOTTEN)
    return bool(found) and (not end or (end[0] == "-" and end[1:].isdigit()))


def slug(text: str, what: str = "project") -> str:
    """Return the name of a team, or of another thing, for `text`, the name of a folder or user.

    Letters lose their accents. If no ASCII letter or digit is left, the name is `what` with four hexadecimal digits,
    which are a checksum of `text`.
    """
    plain = text
    if not text.isascii():
        from unicodedata import combining, normalize

        plain = "".join(character for character in normalize("NFKD", text) if not combining(character))
    name = plain_slug(plain)
    if is_forgotten(name):
        name = name.replace(FORGOTTEN, FORGOTTEN.replace(".", "-"))
    if name and name not in RESERVED:
        return name
    from unicodedata import normalize
    from zlib import crc32

    return f"{what}-{crc32(normalize('NFC', text).encode(errors='surrogatepass')) & 0xFFFF:04x}"


def plain_slug(text: str) -> str:
    """Return `text` in lower case, with `-` for each character that is not allowed in a name; "" if nothing is left."""
    kept = "".join(character if character in ALLOWED else "-" for character in text.lower())
    return kept.lstrip("._-")[:LONGEST].rstrip("-")


def parse(text: str) -> Address:
    """Return the address in `text`. Raises InvalidName."""
    whom, at, team = text.partition("@")
    if at:
        team = check_name(team, "team").lower()
    kind, colon, name = whom.partition(":")
    if colon:
        if kind not in PREFIXES:
            msg = f"{kind[:80]!r} is not a kind of address: write role:NAME, tag:NAME, cap:NAME or pool:ROLE."
            raise InvalidName(msg)
        what = "role" if kind == "pool" else kind
        return Address(kind, check_name(name, what).lower(), team or None)
    if whom.lower() in RESERVED:
        return Address(whom.lower(), "", team or None)
    return Address("agent", check_name(whom), team or None)


def parse_list(text: str) -> list[Address]:
    """Return the addresses of a comma-separated list, each once. Raises InvalidName."""
    return list(dict.fromkeys(parse(part.strip(" ")) for part in text.split(",")))
