"""Numbers of JSON, exactly as they are written: an int, or a Real when there is a fraction.

To JSON Schema 1.0 and 1e2 are integers, so they are ints here. Python's float would make 4.02 a number that is no
multiple of 0.01; and the arithmetic of Decimal rounds, so what is calculated is a Fraction.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal
from fractions import Fraction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DIGITS = 4300  # the most that Python reads into an int by default
EXACT = Context(prec=4 * DIGITS)


class Real(Decimal):
    """A number with a fraction. It is shown as JSON."""

    def __repr__(self) -> str:
        """Return the number as JSON has it."""
        return str(self)


def number(text: str) -> int | Real:
    """Return the number that `text` is, in the syntax of JSON.

    Raises ValueError for what readers with doubles cannot read: one beyond their range, or so small that they read 0.
    """
    if len(text) > DIGITS:
        msg = f"longer than {DIGITS} digits"
        raise ValueError(msg)
    double = float(text)
    if math.isinf(double):
        msg = "beyond the range of a double"
        raise ValueError(msg)
    if not double:
        if text.lower().partition("e")[0].strip("-0."):
            msg = "too close to 0 for a double"
            raise ValueError(msg)
        return 0
    real = Real(text)
    above, below = real.as_integer_ratio()
    return above if below == 1 else real


def exact(value: Any) -> Any:
    """Return a JSON value with an int or a Real for each float, which stands for its shortest decimal."""
    if isinstance(value, float):
        return number(repr(value))
    if isinstance(value, list):
        return [exact(each) for each in value]
    return {key: exact(each) for key, each in value.items()} if isinstance(value, dict) else value


def ratio(value: int | Decimal) -> Fraction:
    """Return `value` for calculations."""
    return Fraction(value)


def plain(value: Fraction) -> int | Real:
    """Return the number of JSON that `value` is. Raises ValueError for one that no decimal is, such as a third."""
    if value.denominator == 1:
        return value.numerator
    rest, places = value.denominator, 0
    for factor in (2, 5):
        count = 0
        while rest % factor == 0:
            rest //= factor
            count += 1
        places = max(places, count)
    if rest != 1:
        msg = f"{value} is not a decimal"
        raise ValueError(msg)
    return Real(EXACT.scaleb(Decimal(value.numerator * 10**places // value.denominator), -places))
