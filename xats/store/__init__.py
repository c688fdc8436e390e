"""The store: the only room that knows a database engine.

`port.py` says what an engine is and what the rules in `core` rely on; `open.py` opens a store. Nothing is imported
here when xats runs: a hook that finds no store must not pay for SQLite.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store.port import Row as Row
    from xats.store.port import Store as Store
    from xats.store.port import Tx as Tx
