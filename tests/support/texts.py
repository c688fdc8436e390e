"""Settings files, made and real."""

import json
import os

from hypothesis import strategies as st

from xats.hooks import clients

SETTINGS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "hooks", "settings")
MERGED = [one for one in clients.CLIENTS if one.form in ("groups", "flat")]
OWN = [one for one in clients.CLIENTS if one not in MERGED]
MERGED += [one.with_waiter() for one in MERGED if one.waiter]
WORDS = ("/opt/my tools/bin/xats",)
OTHER = ("/usr/bin/python3", "-P", "-m", "xats")


def real(name: str) -> str:
    with open(os.path.join(SETTINGS, f"{name}.json"), encoding="utf-8", newline="") as file:
        return file.read()


# -- texts of JSON in every manner -------------------------------------------------------------------------------------

NAMES = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    st.sampled_from(['a "quoted" \\ one', "// no comment", "/* nor */ this", "{[,:]}", "\x00\t\r\n", "🙂", "hook run"]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)


@st.composite
def handlers(draw, client):
    """A handler: somebody else's, one that looks like ours and is not, or ours from another place and time."""
    command = draw(
        st.sampled_from(
            [
                "true",
                f"/opt/wrapper hook run {client.name}",
                f"xats hook run {client.name}",
                f"/opt/xats hook run {client.name}; true",
                f"echo xats hook run {client.name}",
                "/opt/xats hook run somebody-else",
                f"/old/xats hook run {client.name}",
                f"/old/xats hook wait {client.name}",
                f"exec /old/xats hook wait {client.name}",
                f"'/opt/my tools/bin/xats' hook wait {client.name}",
                f"'/opt/my tools/bin/xats' hook run {client.name}",
                f"/usr/bin/python3 -P -m xats hook run {client.name}",
            ]
        )
    )
    more = draw(st.dictionaries(st.sampled_from(["timeout", "async", "if", "name"]), SCALARS, max_size=2))
    return {"type": "command", client.command: command, **more} if draw(st.booleans()) else {client.command: command}


@st.composite
def settings(draw, client):
    """Settings with hooks in them, which the client could read."""
    wanted = [hook.event for hook in client.events]
    groups = handlers(client)
    if client.form == "groups":
        inner = st.lists(handlers(client), max_size=3)
        matcher = st.sampled_from(["", "*", "Bash", *{hook.matcher for hook in client.events}])
        groups = st.fixed_dictionaries({"hooks": inner}, optional={"matcher": matcher, "sequential": st.booleans()})
    events = st.dictionaries(st.sampled_from([*wanted, "Old", "é"]), st.lists(groups, max_size=3), max_size=4)
    parts = draw(st.dictionaries(NAMES.filter(lambda one: one not in ("hooks", "version")), VALUES, max_size=4))
    if draw(st.booleans()):
        parts["hooks"] = draw(events)
    if draw(st.booleans()):
        parts["version"] = draw(st.sampled_from([1, 2]))
    names = draw(st.permutations(list(parts)))
    return {name: parts[name] for name in names}


@st.composite
def written(draw, value, comments=False):
    """The text of `value`, as a tidy program, a careless hand or a minifier would write it."""
    manner = draw(st.sampled_from(["tidy", "tidy", "minified", "careless"]))
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    if manner == "minified":
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=draw(st.booleans()))
    elif manner == "tidy":
        text = json.dumps(value, indent=draw(st.sampled_from([0, 2, 4, "\t"])), ensure_ascii=draw(st.booleans()))
    else:
        text = _careless(value, draw(st.randoms(use_true_random=False)), comments)
    text = text.replace("\n", newline)
    return draw(st.sampled_from(["", "\ufeff"])) + text + draw(st.sampled_from(["", newline, f" {newline}\t"]))


def _careless(value, dice, comments):
    blanks = ["", "", " ", "\n", "  \t", "\n    "]
    if comments:
        blanks += [" // it's, [fine\n", "/* a, { b */", "\n  // one more\n  "]

    def gap():
        return dice.choice(blanks)

    def write(one):
        if isinstance(one, dict):
            parts = [f"{gap()}{json.dumps(name)}{gap()}:{gap()}{write(inner)}{gap()}" for name, inner in one.items()]
            return "{" + (",".join(parts) or gap()) + "}"
        if isinstance(one, list):
            return "[" + (",".join(f"{gap()}{write(inner)}{gap()}" for inner in one) or gap()) + "]"
        return json.dumps(one, ensure_ascii=dice.random() < 0.5)

    return gap() + write(value) + gap()
