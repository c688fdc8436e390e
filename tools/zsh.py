"""Write the completion script of zsh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import commands
from shells import NOTE, filled, quoted, words_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from commands import Argument, Option, Verb

ZSH = r"""#compdef xats
@NOTE@

# Offer values of kind $1.
_xats_ask() {
  local -a common found
  local word
  local -i i
  for (( i = 2; i < xats_current; i++ )); do
    word=${(Q)xats_words[i]}
    case $word in
      (--) break ;;
      (--as|--db|--team) (( i + 1 < xats_current )) && common+=("$word" "${(Q)xats_words[i+1]}") ;;
      (--as=*|--db=*|--team=*) common+=("${word%%=*}" "${word#*=}") ;;
    esac
  done
  for word in "${(@f)$(command xats _complete "$1" "${(Q)PREFIX}" "${common[@]}" 2>/dev/null)}"; do
    [[ -z $word ]] || found+=("${${word%%$'\t'*}//:/\\:}:${${word#*$'\t'}//\\/\\\\}")
  done
  _describe -V -t "$1" "${1#peer-}" found -M 'm:{[:lower:][:upper:]}={[:upper:][:lower:]}'
}

# Offer the words below $1, which is empty or a group.
_xats_offer() {
  local -a found
  case $1 in
@WORDS@
  esac
  _describe -V -t verbs verb found
}

# Complete what follows $1, which is empty or a group.
_xats_below() {
  local curcontext=$curcontext state
  local -a line own
  local -A opt_args
  local -i ret=1
  [[ -n $1 ]] || own=('(- *)'{--version,-V}'[Print the version.]')
  # -A: what stands behind the verb is left to the call for that verb.
  _arguments -C -A '-*' -s -S : "${xats_common[@]}" "${own[@]}" \
    "1:verb: _xats_offer ${(q)1}" '*::argument:->below' && ret=0
  [[ $state == below ]] || return ret
  case ${1:+$1 }$words[1] in
@VERBS@
  esac
}

_xats() {
  local -a xats_words=("${words[@]}")
  local -i xats_current=CURRENT
  local -a xats_common=(
@COMMON@
  )
  _xats_below ''
}

if [[ ${funcstack[1]} == _xats ]]; then  # loaded from fpath
  _xats "$@"
else  # read by: source <(xats completion zsh)
  compdef _xats xats
fi
"""


def script(verbs: Sequence[Verb]) -> str:
    """Return the script of zsh."""
    below = words_below(verbs)
    words = []
    for name, rows in below.items():
        listed = "\n".join(" " * 6 + quoted(f"{word}:{summary}") for word, summary in rows)
        words.append(f"    ({quoted(name)}) found=(\n{listed}\n    ) ;;")
    lines = [f"    ({group}) _xats_below {group} ;;" for group in below if group]
    for verb in verbs:
        specs = [*option_specs(verb.options), *(argument_spec(i, one) for i, one in enumerate(verb.arguments, 1))]
        parts = ['    _arguments -s -S : "${xats_common[@]}"', *(" " * 6 + spec for spec in specs)]
        lines.append(f"    ({quoted(verb.path)})\n  " + " \\\n  ".join(parts) + " ;;")
    common = "\n".join(" " * 4 + spec for spec in option_specs(commands.common()))
    return filled(ZSH, {"NOTE": NOTE, "WORDS": "\n".join(words), "VERBS": "\n".join(lines), "COMMON": common})


def option_specs(options: Iterable[Option]) -> Iterator[str]:
    """Yield the specifications for _arguments of `options`, one for each way to write one."""
    for option in options:
        names = (*option.names, *option.negative)
        before = "*" if option.repeatable else "(- *)" if "--help" in option.names else f"({' '.join(names)})"
        told = option.help.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
        for name in names:
            joint = "" if option.takes is None else "=" if name.startswith("--") else "+"
            value = "" if option.takes is None else taken(option)
            yield quoted(f"{before}{name}{joint}[{told}]{value}")


def argument_spec(number: int, argument: Argument) -> str:
    """Return the specification for _arguments of an argument."""
    # With a message where there is nothing to offer, an option in its place would be listed, but not inserted.
    value = taken(argument).removesuffix(" ") + ("" if argument.takes else "()")
    return quoted(f"*{value}" if argument.repeated else f"{number}{'' if argument.required else ':'}{value}")


def taken(given: Option | Argument) -> str:
    """Return the message and the action of what an option or an argument takes."""
    takes = given.takes
    name = "pane" if takes == "pane" else given.metavar.strip("[].").partition("|")[0].lower()
    if isinstance(takes, tuple):
        return f":{name}:({' '.join(takes)})"
    return f":{name}:{'_files' if takes == 'file' else f' _xats_ask {takes}' if takes else ' '}"
