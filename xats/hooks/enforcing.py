"""How strictly hooks guard files: the settings lock.enforce, zone.enforce, turn.enforce and lock.auto."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LOCKS, ZONES, TURNS = "XATS_LOCK_ENFORCE", "XATS_ZONE_ENFORCE", "XATS_TURN_ENFORCE"
AUTO = "XATS_LOCK_AUTO"
OFF, WARN, DENY = "off", "warn", "deny"
DEFAULTS = {LOCKS: DENY, ZONES: WARN, TURNS: OFF, AUTO: "1"}


def level(environ: Mapping[str, str], name: str) -> str:
    """Return what the variable `name`, LOCKS, ZONES or TURNS, asks for: OFF, WARN or DENY. Raises Usage."""
    return _value(environ, name, (OFF, WARN, DENY))


def locks_edits(environ: Mapping[str, str]) -> bool:
    """Tell whether an edit locks its file: the setting lock.auto. Raises Usage."""
    return _value(environ, AUTO, ("0", "1")) == "1"


def _value(environ: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    said = environ.get(name) or DEFAULTS[name]
    if said in known:
        return said
    from xats.base.errors import Usage

    msg = f"{name} must be {', '.join(known[:-1])} or {known[-1]}, not {said[:40]!r}."
    raise Usage(msg, f"export {name}={DEFAULTS[name]}")
