"""`@record`: frozen value classes that cost nothing to import.

A type checker sees a frozen dataclass (PEP 681). At run time `dataclasses` would add 10 ms to every command, because it
imports `inspect`. So this module makes the same methods from the annotations.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, TypeVar, dataclass_transform

    class Row(Protocol):
        """Values by the names of their columns."""

        def __getitem__(self, name: str, /) -> Any: ...

    T = TypeVar("T")
else:

    def dataclass_transform(**_: object) -> Callable[[T], T]:
        """Do nothing: only a type checker reads it."""
        return lambda decorated: decorated


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Give `cls` an `__init__`, `__eq__`, `__hash__` and `__repr__` over its annotated fields, and freeze it.

    Class attributes are the defaults of the fields that carry their name.
    """
    names = tuple(cls.__annotations__)
    fields = frozenset(names)
    defaults = {name: getattr(cls, name) for name in names if hasattr(cls, name)}

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if len(args) == len(names) and not kwargs:  # the common case, worth a microsecond
            self.__dict__.update(zip(names, args, strict=True))
            return
        if not args and kwargs.keys() == fields:
            self.__dict__.update(kwargs)
            return
        values = self.__dict__
        values.update(defaults)
        values.update(zip(names, args, strict=False))
        values.update(kwargs)
        if len(values) != len(names) or len(args) > len(names):
            msg = f"{cls.__name__} takes {', '.join(names)}; got {', '.join(values)}"
            raise TypeError(msg)

    def __setattr__(self: Any, name: str, value: object) -> None:  # noqa: ARG001
        msg = f"{cls.__name__} is frozen: {name} cannot be set"
        raise AttributeError(msg)

    def __eq__(self: Any, other: object) -> bool:
        return type(other) is cls and bool(self.__dict__ == other.__dict__)

    def __hash__(self: Any) -> int:
        return hash(tuple(self.__dict__[name] for name in names))

    def __repr__(self: Any) -> str:
        inside = ", ".join(f"{name}={self.__dict__[name]!r}" for name in names)
        return f"{cls.__name__}({inside})"

    for method in (__init__, __setattr__, __eq__, __hash__, __repr__):
        setattr(cls, method.__name__, method)
    return cls


def replace(old: T, /, **changes: Any) -> T:
    """Return a record like `old` with other values in the fields that `changes` names. Raises TypeError."""
    new = type(old).__new__(type(old))
    new.__dict__.update(old.__dict__)
    new.__dict__.update(changes)
    if len(new.__dict__) != len(old.__dict__):
        msg = f"{type(old).__name__} has the fields {', '.join(old.__dict__)}; got {', '.join(changes)}"
        raise TypeError(msg)
    return new


def from_row(cls: type[T], row: Row, /, **given: Any) -> T:
    """Return a `cls` made of a row: the value of a field is the `given` one, else the column of that name.

    Raises TypeError for a name that is not a field, and what the row raises for a column that it lacks.
    """
    names = cls.__annotations__
    if not given.keys() <= names.keys():
        msg = f"{cls.__name__} takes {', '.join(names)}; got {', '.join(given)}"
        raise TypeError(msg)
    made = cls.__new__(cls)
    made.__dict__.update({name: given[name] if name in given else row[name] for name in names})
    return made
