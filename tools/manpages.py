"""Write the man pages, in the man(7) macros of roff."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

import commands

from xats import __version__
from xats.cli.help import facts
from xats.cli.help.topics import TOPICS
from xats.cli.kit.tree import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from commands import Option, Verb

NOTE = '.\\" Generated from the command tree by tools/generate.py; change that, then: make generate'
SPECIAL = {"\\": "\\e", "-": "\\-", "^": "\\(ha", "~": "\\(ti", "`": "\\(ga", "'": "\\(aq", '"': "\\(dq"}


def pages(verbs: Sequence[Verb]) -> dict[str, str]:
    """Return {file name: page} for xats(1), and for every verb and group of verbs."""
    found = {"xats.1": main_page(verbs)}
    for group, about in GROUPS.items():
        members = [verb for verb in verbs if verb.path.split()[0] == group]
        found[f"xats-{group}.1"] = group_page(group, about, members)
    found.update({f"{verb.page}.1": verb_page(verb, verbs) for verb in verbs})
    return found


# -- roff --------------------------------------------------------------------------------------------------------------


def text(words: str) -> str:
    """Return `words` so that roff prints them as they are, on a line of their own."""
    line = "".join(SPECIAL.get(character, character) for character in words)
    return "\\&" + line if line.startswith(".") else line


def bold(words: str) -> str:
    """Return `words` in bold."""
    return f"\\fB{text(words)}\\fR"


def italic(words: str) -> str:
    """Return `words` in italics."""
    return f"\\fI{text(words)}\\fR"


def head(page: str, summary: str) -> list[str]:
    """Return the beginning of a page. It bears no date: the version says how old it is."""
    title = f'.TH {text(page.upper())} 1 "" "xats {__version__}" "xats manual"'
    return [NOTE, title, ".nh", ".ad l", ".SH NAME", f"{text(page)} \\- {text(summary.rstrip('.'))}"]


def paragraphs(words: Iterable[str]) -> list[str]:
    """Return one paragraph for each of `words`."""
    lines: list[str] = []
    for paragraph in words:
        lines += [".PP", *running(paragraph)]
    return lines[1:]


def running(words: str) -> list[str]:
    """Return `words` as lines of running text."""
    return [text(line) for line in wrap(words, 76, break_long_words=False, break_on_hyphens=False)]


def listed(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return a list of terms, marked up already, and what they mean."""
    lines: list[str] = []
    for term, meaning in rows:
        lines += [".TP", term, *running(meaning)]
    return lines


def shown(examples: Iterable[str]) -> list[str]:
    """Return examples as they are typed."""
    return [".nf", ".RS 4", *(text(f"$ {example}") for example in examples), ".RE", ".fi"]


def see(page_names: Iterable[str]) -> list[str]:
    """Return the section that leads to other pages."""
    named = [f"\\fB{text(name)}\\fR(1)" for name in page_names]
    return [".SH SEE ALSO", *(f"{name}," for name in named[:-1]), named[-1]]


# -- what stands in them -----------------------------------------------------------------------------------------------


def term(option: Option) -> str:
    """Return how an option is written, short form first."""
    names = [bold(name) for name in reversed(option.names)]
    value = f" {italic(option.metavar)}" if option.metavar else ""
    return ", ".join([*names, *(bold(name) for name in option.negative)]) + value


def meaning(option: Option) -> str:
    """Return what an option does, with its default."""
    return f"{option.help} Default: {option.default}." if option.default else option.help


def options(rows: Iterable[Option]) -> list[str]:
    """Return a list of options."""
    return listed((term(option), meaning(option)) for option in rows)


def usage(option: Option) -> str:
    """Return how an option stands in a synopsis."""
    names = "|".join(bold(name) for name in (option.names[0], *option.negative))
    value = f"\\ {italic(option.metavar)}" if option.metavar else ""
    return f"[{names}{value}]" + ("..." if option.repeatable else "")


def synopsis(verb: Verb) -> list[str]:
    """Return what a call of `verb` may consist of."""
    words = [argument.usage.replace(argument.metavar, italic(argument.metavar)) for argument in verb.arguments]
    parts = [*words, *(usage(option) for option in verb.options), "[\\fIcommon\\ options\\fR]"]
    return [".SH SYNOPSIS", f".B xats {text(verb.path)}", *parts]


def verb_page(verb: Verb, verbs: Sequence[Verb]) -> str:
    """Return the page of one verb."""
    lines = [*head(verb.page, verb.summary), *synopsis(verb), ".SH DESCRIPTION", *paragraphs(verb.text)]
    if verb.arguments:
        lines += [".SH ARGUMENTS", *listed((italic(one.metavar), one.help) for one in verb.arguments)]
    if verb.options:
        lines += [".SH OPTIONS", *options(verb.options)]
    lines += [".SH COMMON OPTIONS", *options(commands.common())]
    lines += [".SH EXIT STATUS", "The exit codes are those of", "\\fBxats\\fR(1):", "0 means done."]
    lines += [".SH EXAMPLES", *shown(verb.examples)]
    near = [one.page for one in verbs if one.panel == verb.panel and one is not verb]
    return "\n".join([*lines, *see(("xats", *near))]) + "\n"


def group_page(group: str, about: str, members: Sequence[Verb]) -> str:
    """Return the page of a word that only leads to verbs."""
    lines = [*head(f"xats-{group}", about.partition(":")[0]), ".SH SYNOPSIS", f".B xats {text(group)}", ".I VERB"]
    lines += ["[\\fIoptions\\fR]", ".SH VERBS", *listed((page(one), one.summary) for one in members)]
    return "\n".join([*lines, *see(("xats", *(one.page for one in members)))]) + "\n"


def page(verb: Verb) -> str:
    """Return a reference to the page of `verb`."""
    return f"\\fB{text(verb.page)}\\fR(1)"


def main_page(verbs: Sequence[Verb]) -> str:
    """Return the page xats(1)."""
    lines = [*head("xats", "mail for the coding agents in your terminals"), ".SH SYNOPSIS"]
    lines += [".B xats", ".RI [ VERB ]", "[\\fIoptions\\fR]", ".SH DESCRIPTION"]
    lines += [*paragraphs((*facts.ABOUT, facts.OVERVIEW)), ".SH VERBS"]
    for panel in dict.fromkeys(verb.panel for verb in verbs):
        lines += [f".SS {panel}", *listed((page(verb), verb.summary) for verb in verbs if verb.panel == panel)]
    lines += [".SH COMMON OPTIONS", "Every verb takes these, before or after its name.", *options(commands.common())]
    lines += [".PP", "And xats itself:", *options([commands.VERSION])]
    scripting = TOPICS["scripting"]
    lines += [".SH SCRIPTING", *paragraphs(scripting.text)]
    lines += listed((bold(command), does) for command, does in scripting.rows)
    lines += [".SH ADDRESSES", *listed((bold(address), f"{means}.") for address, means in facts.ADDRESSES)]
    lines += [".SH DURATIONS", *running(facts.DURATIONS)]
    lines += [".SH ENVIRONMENT", *listed((bold(name), means) for name, means in facts.ENVIRONMENT)]
    lines += [".SH FILES", *listed((italic(name), means) for name, means in facts.FILES)]
    lines += [".SH EXIT STATUS", *listed((bold(str(code)), means) for code, means in facts.EXITS)]
    shows = [[".PP", text(about), *shown(examples)] for about, examples in facts.EXAMPLES]
    lines += [".SH EXAMPLES", *[line for one in shows for line in one][1:]]
    return "\n".join([*lines, *see([verb.page for verb in verbs] + ["tmux"])]) + "\n"
