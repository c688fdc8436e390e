"""Markdown on a terminal: no text of the sender is hidden, and none acts on the terminal.

CommonMark drops HTML and definitions of links, and decodes entities, escapes and percent signs into other characters:
`&#x202e;` would become a control character after the check for such characters. The parser therefore leaves all of
these as they are, a line stays a line, and every control character of the result is made visible. A text that would
lose a letter all the same is not rendered.
https://spec.commonmark.org/0.31.2/
"""

from __future__ import annotations

import io
import re
from collections import Counter

from rich.console import Console
from rich.markdown import CodeBlock, Heading, Markdown
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

from xats.base.visible import one_line, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token
    from rich.console import ConsoleOptions, RenderResult

LONGEST = 20_000  # characters of a text that is rendered; a longer one is a file, and takes seconds
LITERAL = ("entity", "escape", "html_block", "html_inline", "reference", "autolink", "image", "lheading")
NARROWEST = 20  # cells
STARTS = ("#", "- ", "* ", "+ ", "> ", "```", "~~~", "|", *(f"{number}. " for number in range(1, 10)))
PAIRS = ("**", "__", "`", "](")
STYLE = re.compile(r"\x1b\[[\d;]*m")  # as rich writes it
THEME = Theme(
    {
        "markdown.code": "cyan",
        "markdown.code_block": "cyan",
        "markdown.block_quote": "italic",
        **{f"markdown.h{level}": "bold" for level in range(1, 7)},
    }
)


class _Code(CodeBlock):
    """A block of code as it is, below what its fence says: rich would draw a coloured box around it."""

    @classmethod
    def create(cls, markdown: Markdown, token: Token) -> _Code:  # noqa: ARG003
        """Return the element for a token."""
        return cls(token.info.strip(), "")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the code."""
        if self.lexer_name:
            yield Text(self.lexer_name, style="dim", overflow="fold")
        yield Text(str(self.text).rstrip("\n"), style="markdown.code_block", overflow="fold")


class _Heading(Heading):
    """A heading at the left."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the heading."""
        yield self.text


class _Literal(Markdown):
    """Markdown in which nothing is hidden."""

    elements = {**Markdown.elements, "fence": _Code, "code_block": _Code, "heading_open": _Heading}  # noqa: RUF012

    def __init__(self, text: str) -> None:
        """Parse `text`."""
        from markdown_it import MarkdownIt

        super().__init__("", hyperlinks=False)  # a link has its address behind it
        parser = MarkdownIt("commonmark", {"html": False}).enable(["table"]).disable([*LITERAL], ignoreInvalid=True)
        self.parsed = parser.parse(text)
        for token in _all(self.parsed):
            if token.type == "softbreak":
                token.type = "hardbreak"
            if "title" in token.attrs:
                token.attrs["href"] = f"{token.attrs['href']} {token.attrs['title']}"


class _Safe:
    """A text in which every control character is visible; `said` is all of it, once it was drawn."""

    def __init__(self, inside: Markdown) -> None:
        self._inside = inside
        self.said = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw what is inside."""
        for line in console.render_lines(self._inside, options, pad=False):
            for segment in line:
                said = one_line(segment.text)
                self.said += said
                yield Segment(said, segment.style)
            yield Segment.line()


def lines(text: str, width: int) -> list[str] | None:
    """Return `text` as lines of `width` cells at most; None if it is no Markdown, too long, or would lose text."""
    if len(text) > LONGEST or width < NARROWEST or not _is_markdown(text):
        return None
    text = visible(text)
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=True, highlight=False, emoji=False, markup=False, theme=THEME
    )
    drawn = _Safe(_Literal(text))
    console.print(drawn, end="")
    if _letters(text) - _letters(drawn.said):  # deep quotes have no room, numbers of lists are counted anew
        return None
    return _tidy(out.getvalue().split("\n"))


def _tidy(rows: Sequence[str]) -> list[str]:
    """Return `rows` without spaces at their ends, and with at most one empty row between two others."""
    found: list[str] = []
    for row in rows:
        if STYLE.sub("", row).strip():
            found.append(row.rstrip())
        elif found and found[-1]:
            found.append("")
    return found[:-1] if found and not found[-1] else found


def _is_markdown(text: str) -> bool:
    """Tell whether `text` seems to use Markdown: other texts keep every space."""
    starts = any(line.lstrip().startswith(STARTS) for line in text.split("\n"))
    return starts or any(text.count(mark) >= 1 + (mark != "](") for mark in PAIRS)


def _letters(text: str) -> Counter[str]:
    """Return how often each letter and digit is in `text`."""
    return Counter(filter(str.isalnum, text))


def _all(tokens: list[Token]) -> Iterator[Token]:
    """Return `tokens` and all tokens in them."""
    for token in tokens:
        yield token
        yield from _all(token.children or [])
