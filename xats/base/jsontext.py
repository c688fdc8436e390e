"""Write and read JSON without importing `json`, whose decoder pulls `re` in: 4 ms that every send would pay."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA_VERSION = 1  # of every JSON document that xats prints; it changes when a field is renamed or removed
to_json: Callable[[object], str]
from_json: Callable[[str], object]
first_json: Callable[[str], object]
BLANK = " \t\r\n"
try:
    # json.dumps uses this itself. It is an accelerator of CPython, so it may be missing, or change.
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


def _unknown(name: str) -> object:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


try:
    from _json import make_scanner

    class _Rules:
        """The attributes that a scanner reads of a json.JSONDecoder."""

        strict = True
        object_hook = None
        object_pairs_hook = None
        parse_float = float
        parse_int = int
        parse_constant = staticmethod(_unknown)  # NaN and Infinity

    _scan: Callable[[str, int], tuple[object, int]] = make_scanner(_Rules())  # type: ignore[arg-type]

    def _begin(text: str) -> tuple[object, int]:
        try:
            return _scan(text, 0)
        except (StopIteration, SystemError) as broken:
            # A scanner of CPython 3.11 fails so: it looks for JSONDecodeError in a module that is not imported.
            msg = "it is not JSON"
            raise ValueError(msg) from broken

    def first_json(text: str) -> object:
        """Return the JSON value that `text` begins with; ignore what follows it.

        Raises ValueError when there is no complete value, RecursionError when it is nested too deeply.
        """
        return _begin(text.lstrip(BLANK))[0]

    def from_json(text: str) -> object:
        """Return the value of the JSON `text`. Raises ValueError, RecursionError for deep nesting."""
        text = text.strip(BLANK)
        value, end = _begin(text)
        if end != len(text):
            msg = "something follows the JSON"
            raise ValueError(msg)
        return value

    from_json("{}")
except (ImportError, TypeError, AttributeError):  # pragma: no cover - not on this Python
    import json

    def first_json(text: str) -> object:
        """Return the JSON value that `text` begins with. Raises ValueError."""
        return json.JSONDecoder(parse_constant=_unknown).raw_decode(text.lstrip(BLANK))[0]

    def from_json(text: str) -> object:
        """Return the value of the JSON `text`. Raises ValueError."""
        return json.loads(text, parse_constant=_unknown)
