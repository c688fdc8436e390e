"""Write JSON without importing `json`, whose decoder pulls `re` in: 4 ms that every send would pay."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

to_json: Callable[[object], str]
try:
    # What json.dumps itself uses. It is an accelerator of CPython, so it may be missing, or one day look otherwise.
    from _json import encode_basestring, make_encoder

    def _refuse(value: object) -> object:
        msg = f"{type(value).__name__} is not JSON"
        raise TypeError(msg)

    _encode = make_encoder(None, _refuse, encode_basestring, None, ": ", ", ", False, False, False)

    def to_json(value: object) -> str:
        """Return `value` as JSON text: None, bool, int, float, str, and lists, tuples and dicts of them.

        Raises TypeError for anything else, ValueError for a float that JSON does not know.
        """
        return "".join(_encode(value, 0))

    to_json([])
except (ImportError, TypeError):  # pragma: no cover - not on this Python
    import json

    def to_json(value: object) -> str:
        """Return `value` as JSON text."""
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
