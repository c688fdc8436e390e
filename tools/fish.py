"""Write the completion script of fish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import commands
from shells import NOTE, filled, spellings, words_below

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commands import Argument, Option, Verb

FISH = r"""# fish completion for xats
@NOTE@

# Say whether the verb of the line is $verb, and, if $place is given, whether its argument number $place comes next;
# for a number with a +, that one or a later one.
function __xats_at --argument-names verb place
    set -l words
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case @VALUED@
                set skip yes
@MIXED@            case '-?*' # short ones may be joined, and then the last may take a value
                string match --quiet --regex -- '^-[^-@SHORT@]*[@SHORT@]$' $word; and set skip yes
            case '*'
                set -a words $word
        end
    end
    set -l path (string split --no-empty ' ' -- $verb)
    set -l wanted (count $path)
    test (count $words) -ge $wanted; or return
    test $wanted -eq 0; or test "$words[1..$wanted]" = "$verb"; or return
    test -z "$place"; and return
    set -l first (math $wanted + (string trim --chars + -- $place) - 1)
    string match --quiet '*+' -- $place; and test (count $words) -ge $first; and return
    test (count $words) -eq $first
end

# Print values of kind $kind, each with a description.
function __xats_ask --argument-names kind
    set -l common
    set -l option
    for word in (commandline -opc)
        if set -q option[1]
            set -a common $option $word
            set option
            continue
        end
        switch $word
            case --as --db --team
                set option $word
            case '--as=*' '--db=*' '--team=*'
                set -a common (string split --max 1 = -- $word)
        end
    end
    set -l typed (commandline -ct | string replace --regex -- '^--[a-z-]+=' '' | string trim --chars '"\'')
    command xats _complete $kind "$typed" $common 2>/dev/null
end

complete -c xats -f
@LINES@
"""


def script(verbs: Sequence[Verb]) -> str:
    """Return the script of fish."""
    lines = [declared("", option) for option in commands.common()]
    lines.append(declared("__xats_at '' 1", commands.VERSION))
    for group, rows in words_below(verbs).items():
        for word, summary in rows:
            lines.append(f"complete -c xats -n \"__xats_at '{group}' 1\" -a {word} -d {quoted(summary)}")
    for verb in verbs:
        for i, argument in enumerate(verb.arguments, 1):
            if argument.takes:
                place = f"{i}+" if argument.repeated else str(i)
                lines.append(f"complete -c xats -n \"__xats_at '{verb.path}' {place}\" {taken(argument)}")
        lines += [declared(f"__xats_at '{verb.path}'", option) for option in verb.options]
    taking = valued(verbs)
    long = " ".join(name for name in taking if name.startswith("--"))
    short = "".join(name[1:] for name in taking if not name.startswith("--"))
    texts = {"NOTE": NOTE, "VALUED": long, "SHORT": short, "MIXED": mixed(verbs), "LINES": "\n".join(lines)}
    return filled(FISH, texts)


def valued(verbs: Sequence[Verb]) -> list[str]:
    """Return every option that takes a value in each verb that has it."""
    with_value, flags = _spelled(verbs)
    return sorted(with_value - flags)


def mixed(verbs: Sequence[Verb]) -> str:
    """Return the cases of the long options that take a value in some verbs, and are flags in others.

    Raises SystemExit for such an option of one letter.
    """
    with_value, flags = _spelled(verbs)
    cases = []
    for name in sorted(with_value & flags):
        if not name.startswith("--"):
            raise SystemExit(f"a flag in one verb, but with a value in another: {name}")
        taking = [verb.path for verb in verbs for one in verb.options if name in one.names and one.takes is not None]
        found = "; or ".join(f'test "$words[1..{len(path.split())}]" = {quoted(path)}' for path in taking)
        cases.append(f"            case {name}\n                {found}; and set skip yes\n")
    return "".join(cases)


def _spelled(verbs: Sequence[Verb]) -> tuple[set[str], set[str]]:
    """Return the options that take a value in some verb, and those that are flags in some verb."""
    every = [option for verb in verbs for option in verb.options] + commands.common()
    with_value = {name for option in every if option.takes is not None for name in option.names}
    return with_value, set(spellings(option for option in every if option.takes is None))


def declared(condition: str, option: Option) -> str:
    """Return the line, or lines, that declare an option where `condition` holds."""
    lines = []
    for names in filter(None, (option.names, option.negative)):
        words = ["complete -c xats", f'-n "{condition}"' if condition else ""]
        words += [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in names]
        words += ["" if option.takes is None else "-x" if not option.takes else taken(option)]
        lines.append(" ".join([*filter(None, words), "-d", quoted(option.help)]))
    return "\n".join(lines)


def taken(given: Option | Argument) -> str:
    """Return the options of `complete` that say what an option or an argument takes."""
    takes = given.takes
    if takes == "file":
        return "-r -F"
    wanted = "-x " if isinstance(given, commands.Option) else ""
    return wanted + ("-k -a " + quoted(" ".join(takes) if isinstance(takes, tuple) else f"(__xats_ask {takes})"))


def quoted(text: str) -> str:
    """Return `text` in single quotes, for fish."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
