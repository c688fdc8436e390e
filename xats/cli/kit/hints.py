"""The commands in hints and errors: they get the --as, --team and --db of the present command.

Without these options the next command would act as another agent, in another team, or on another store.
"""

from __future__ import annotations

from xats.base import calling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT = "'...'"  # stands for a text that the reader fills in
OPTIONS = ("--as", "--team", "--db")
ONLY_STORE = (
    "daemon",
    "deliver",
    "db",
    "doctor",
    "client",
    "hook",
    "demo",
    "demo-agent",
    "schema",
    "help",
    "commands",
    "completion",
)
NOT_AS = (
    "register",
    "seat",
    "launch",
    "agents",
    "top",
    "events",
    *ONLY_STORE,
)  # these verbs act as no agent, or as the agent that they name

# What people type from habit: the commands that they mean; a hint names the first one that exists.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "ls": ("agents",),
    "ps": ("agents",),
    "list": ("agents",),
    "who": ("agents",),
    "read": ("inbox",),
    "mail": ("inbox",),
    "messages": ("inbox",),
    "check": ("inbox",),
    "msg": ("send",),
    "message": ("send",),
    "mailto": ("send",),
    "write": ("send",),
    "answer": ("reply",),
    "log": ("log", "events"),
    "logs": ("log", "events"),
    "history": ("log", "events"),
    "find": ("search", "client find"),
    "grep": ("search",),
    "start": ("daemon start",),
    "stop": ("daemon stop",),
    "restart": ("daemon restart",),
    "kill": ("down",),
    "init": ("setup", "register"),
    "install": ("hook install",),
    "join": ("register",),
    "login": ("register",),
    "leave": ("unregister",),
    "quit": ("unregister",),
    "spawn": ("launch",),
    "run": ("launch",),
    "watch": ("top",),
    "tasks": ("task list",),
    "todo": ("task list",),
    "contracts": ("contract list",),
    "locks": ("lock list",),
    "unlock": ("lock release",),
    "reserve": ("lock take",),
    "notes": ("note list",),
    "limits": ("limit list",),
    "quota": ("limit set",),
    "budget": ("limit set",),
    "remember": ("note put",),
    "teams": ("team list",),
    "settings": ("config list",),
    "env": ("config path",),
    "paths": ("config path",),
    "explain": ("help",),
    "verbs": ("commands",),
    "diagnose": ("doctor",),
    "version": ("--version",),
}
# The same for the second word of a verb.
SECOND: dict[str, tuple[str, ...]] = {
    "ls": ("list", "status"),
    "ps": ("list", "status"),
    "view": ("show", "status", "get"),
    "show": ("get",),
    "cat": ("get",),
    "history": ("log",),
    "info": ("show", "status"),
    "create": ("add", "put", "set"),
    "new": ("add", "put", "set"),
    "add": ("put",),
    "set": ("put",),
    "rm": ("cancel", "drop", "forget", "unset", "retire", "uninstall", "prune"),
    "remove": ("cancel", "drop", "forget", "unset", "retire", "uninstall", "prune", "rm"),
    "delete": ("cancel", "drop", "forget", "unset", "retire", "uninstall", "prune", "rm"),
    "mv": ("rename",),
    "take": ("claim",),
    "finish": ("done",),
    "complete": ("done",),
    "acquire": ("take", "claim"),
    "unlock": ("release",),
    "free": ("release",),
    "reload": ("restart",),
    "up": ("start",),
    "down": ("stop",),
    "dump": ("export",),
    "load": ("import",),
    "restore": ("import",),
}


def synonym(path: Sequence[str], word: str) -> str:
    """Return the command, without `xats`, that somebody means by `word` behind the words `path`; "" if unknown."""
    from xats.cli.kit.verbs import VERBS

    means = (SECOND if path else SYNONYMS).get(word.lower(), ())
    named = (" ".join((*path, one)) for one in means)
    return next((one for one in named if one in VERBS or one.startswith("-")), "")


def singular(command: str, words: Sequence[str]) -> str:
    """Return the verb of a noun that is meant by the `command` in the plural and the first of `words`; "" if none.

    So `xats agents forget bob` means `xats agent forget`.
    """
    from xats.cli.kit.verbs import VERBS

    path = f"{command.partition(' ')[2].removesuffix('s')} {words[0] if words else ''}"
    return f"xats {path}" if path in VERBS else ""


def given(words: Sequence[str]) -> dict[str, str]:
    """Return the OPTIONS that the command line `words` has, with their values, up to a lone `--`."""
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word == "--":
            break
        option, joined, value = word.partition("=")
        if option in OPTIONS and (joined or option == word):
            found[option] = value if joined else next(rest, "")
    return {option: value for option, value in found.items() if value}


def command(words: str, options: Mapping[str, str], program: str = calling.NAME) -> str:
    """Return the xats command of `words`, with the `options` that its verb takes and `words` do not have.

    `program` is the word by which a shell runs xats.
    """
    verb, used = words.partition(" ")[0], words.split()
    added = ""
    for option, value in options.items():
        foreign = verb in (ONLY_STORE if option == "--team" else NOT_AS if option == "--as" else ())
        if not foreign and option not in used and "--help" not in used:
            added += f" {option} {calling.quoted(value)}"
    own, lone, text = words.partition(" -- ")
    return f"{program} {own}{added}{lone}{text}"


def complete(hint: str, options: Mapping[str, str]) -> str:
    """Return `hint` with `options` in each command that it names. Two spaces end a command."""
    if not options or "xats " not in hint:
        return hint
    import re

    from xats.cli.kit.verbs import VERBS

    verbs = "|".join(sorted({path.partition(" ")[0] for path in VERBS}, key=len, reverse=True))
    ends = r"\s*(?:$|\n|&&|\|\||[;,`(]|: |  )"
    pattern = rf"(?<![\w/.-])xats ((?:{verbs})\b(?:'[^'\n]*'|.)*?)(?={ends})"
    return re.sub(pattern, lambda found: command(found[1], options), hint)
