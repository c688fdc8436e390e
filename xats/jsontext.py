"""Write small JSON values without importing `json`, whose decoder pulls `re` in: 4 ms that every send would pay."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

quote: Callable[[str], str]
try:
    from _json import encode_basestring as quote  # what json.dumps itself uses; an accelerator, so it may be missing
except ImportError:  # pragma: no cover - not on CPython
    from json.encoder import encode_basestring as quote


def to_json(value: object) -> str:
    """Return `value` as JSON text: None, bool, int, float, str, and lists, tuples and dicts of them.

    Raises TypeError for anything else.
    """
    if isinstance(value, str):
        return quote(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quote(key)}: {to_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(to_json(item) for item in value) + "]"
    msg = f"{type(value).__name__} is not JSON"
    raise TypeError(msg)
