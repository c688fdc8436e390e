"""Write the completion script of bash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import commands
from shells import NOTE, filled, quoted, spellings, words_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from commands import Argument, Option, Verb

# Bash 3.2 is what macOS has: no mapfile, no associative arrays, perhaps no compopt.
BASH = r"""# bash completion for xats                                          -*- shell-script -*-
@NOTE@

# What verb $1 may be followed by: sets `words`.
_xats_words() {
    case $1 in
@WORDS@
    esac
}

# The options of verb $1: sets `options`.
_xats_options() {
    options='@COMMON@'
    case $1 in
@OPTIONS@
    esac
}

# What option $2 of verb $1 takes: sets `kind`, to "" for a flag, to - for any text, to words after a =.
_xats_option_kind() {
    kind=
    case $2 in
@COMMON_KINDS@
        *)
            case "$1 $2" in
@OPTION_KINDS@
            esac
            ;;
    esac
}

# What argument number $2 of verb $1 is: sets `kind`, as above.
_xats_argument_kind() {
    kind=
    case "$1 $2" in
@ARGUMENT_KINDS@
    esac
}

# Put the words up to the cursor into `line`. COMP_WORDS has them split at : = and @, which COMP_LINE tells.
_xats_split() {
    local left=${COMP_LINE:0:COMP_POINT} rest word
    local -i i
    line=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        rest=${left#"${left%%[![:space:]]*}"}
        word=${COMP_WORDS[i]:0:${#rest}}
        if ((i == 0)) || [[ $rest != "$left" ]]; then
            line+=("$word")
        else
            line[${#line[@]} - 1]+=$word
        fi
        left=${rest:${#word}}
    done
}

# Add those of the words $2... that begin with $1 to COMPREPLY.
_xats_offer() {
    local prefix=$1 word
    shift
    for word in "$@"; do
        [[ $word != "$prefix"* ]] || COMPREPLY+=("$word")
    done
}

# Ask xats for values of kind $1 that begin with $2. When they are listed, and not inserted, each says what it is.
_xats_ask() {
    local value description
    local -i widest=0 i
    local -a values=() descriptions=()
    while IFS=$'\t' read -r value description; do
        values+=("$value")
        descriptions+=("$description")
        ((${#value} <= widest)) || widest=${#value}
    done < <(command xats _complete "$1" "$2" ${common[@]+"${common[@]}"} 2>/dev/null)
    for ((i = 0; i < ${#values[@]}; i++)); do
        value=${values[i]}
        if ((${#values[@]} > 1)) && [[ " 33 63 64 " == *" ${COMP_TYPE:-} "* ]]; then
            printf -v value '%-*s  (%s)' "$widest" "$value" "${descriptions[i]}"
        fi
        COMPREPLY+=("$value")
    done
}

_xats() {
    local verb= kind= option= words options word keep= head= cur literal= IFS=$' \t\n'
    local -a line common=()
    local -i i j place=0 grouped=0
    COMPREPLY=()
    _xats_split
    for ((i = 1; i < ${#line[@]} - 1; i++)); do
        word=${line[i]//[\\\"\']/}
        if [[ -n $kind ]]; then
            kind=
        elif [[ -z $literal && $word == -- ]]; then
            literal=yes
            continue
        elif [[ -z $literal && $word == --*=* ]]; then
            option=${word%%=*} word=${word#*=}
        elif [[ -z $literal && $word == --* ]]; then
            option=$word
            _xats_option_kind "$verb" "$option"
            continue
        elif [[ -z $literal && $word == -?* ]]; then
            for ((j = 1; j < ${#word}; j++)); do
                option=-${word:j:1}
                _xats_option_kind "$verb" "$option"
                [[ -z $kind ]] || break
            done
            ((j == ${#word} - 1)) || kind= # its value is in the same word
            continue
        else
            if [[ -z $verb ]]; then
                verb=$word
                words=
                _xats_words "$verb"
                [[ -z $words ]] || grouped=1
            elif ((grouped)); then
                verb="$verb $word"
                grouped=0
            else
                ((++place))
            fi
            continue
        fi
        case $option in
            --as | --db | --team) common+=("$option" "$word") ;;
        esac
    done

    cur=${line[${#line[@]} - 1]}
    if [[ $cur == [\"\']* ]]; then
        cur=${cur:1}
    elif [[ $cur == *[$COMP_WORDBREAKS]* ]]; then
        keep=${cur%"${cur##*[$COMP_WORDBREAKS]}"} # readline replaces only what stands behind it,
        keep=${keep%@}                            # and a last @ before it: rl_special_prefixes
    fi
    if [[ -n $kind ]]; then
        :
    elif [[ -z $literal && $cur == --*=* ]]; then
        _xats_option_kind "$verb" "${cur%%=*}"
        head=${cur%%=*}=
        cur=${cur#*=}
    elif [[ -z $literal && $cur == -* ]]; then
        _xats_options "$verb"
        _xats_offer "$cur" $options
        kind=
    elif [[ -z $verb ]] || ((grouped)); then
        words=
        _xats_words "$verb"
        _xats_offer "$cur" $words
    else
        _xats_argument_kind "$verb" $((place + 1))
    fi
    case $kind in
        "" | -) ;;
        =*) _xats_offer "$cur" ${kind#=} ;;
        file)
            compopt -o default 2>/dev/null || while IFS= read -r word; do
                COMPREPLY+=("$word")
            done < <(compgen -f -- "$cur")
            ;;
        *) _xats_ask "$kind" "${cur//[\\\"\']/}" ;;
    esac
    for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do
        word=$head${COMPREPLY[i]}
        COMPREPLY[i]=${word:${#keep}}
    done
}

complete -o nosort -F _xats xats 2>/dev/null || complete -F _xats xats
"""


def script(verbs: Sequence[Verb]) -> str:
    """Return the script of bash."""
    common = commands.common()
    words = [(name, " ".join(word for word, _ in below)) for name, below in words_below(verbs).items()]
    options = [(verb.path, " ".join(spellings(verb.options))) for verb in verbs if verb.options]
    takes = [(f"{verb.path} {name}", one) for verb in verbs for one in verb.options for name in one.names]
    places = [(place(verb.path, i, one), one) for verb in verbs for i, one in enumerate(verb.arguments, 1)]
    parts = {
        "NOTE": NOTE,
        "WORDS": cases(8, ((quoted(name), f"words={quoted(one)}") for name, one in words)),
        "COMMON": " ".join(spellings(common)),
        "OPTIONS": cases(
            8, [("''", "options+=' --version -V'"), *((quoted(a), f'options="{b} $options"') for a, b in options)]
        ),
        "COMMON_KINDS": cases(8, ((name, kind(one)) for one in common for name in one.names if one.metavar)),
        "OPTION_KINDS": cases(16, ((quoted(name), kind(one)) for name, one in takes if one.takes is not None)),
        "ARGUMENT_KINDS": cases(8, ((pattern, kind(one)) for pattern, one in places)),
    }
    return filled(BASH, parts)


def place(path: str, number: int, argument: Argument) -> str:
    """Return the pattern of the places where `argument`, the one with that number of the verb `path`, may stand."""
    return f"{quoted(f'{path} ')}[{number}-9]*" if argument.repeated else quoted(f"{path} {number}")


def kind(given: Option | Argument) -> str:
    """Return the assignment that says what an option or an argument takes."""
    takes = given.takes
    return f"kind={quoted('=' + ' '.join(takes)) if isinstance(takes, tuple) else takes or '-'}"


def cases(indent: int, rows: Iterable[tuple[str, str]]) -> str:
    """Return the branches of a `case`, those that do the same in one."""
    branches: dict[str, list[str]] = {}
    for pattern, body in rows:
        branches.setdefault(body, []).append(pattern)
    return "\n".join(f"{' ' * indent}{' | '.join(patterns)}) {body} ;;" for body, patterns in branches.items())
