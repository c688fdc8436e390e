"""The verb that prints the completion script of a shell: completion."""

from __future__ import annotations

import os

from xats.base.errors import Usage
from xats.cli.kit import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context

# By shell: the file in completions/, and the lines that turn it on.
SHELLS = {
    "bash": ("xats.bash", 'in ~/.bashrc: eval "$(xats completion bash)"'),
    "zsh": ("_xats", "in ~/.zshrc, below compinit: source <(xats completion zsh)"),
    "fish": ("xats.fish", "in ~/.config/fish/config.fish: xats completion fish | source"),
}


def completion(here: Context, shell: params.ShellArg = None) -> int:
    """Print the completion script of a shell.

    The shell is bash, zsh or fish. Write the line for your shell into its start file:
    bash, in ~/.bashrc: eval "$(xats completion bash)";
    zsh, in ~/.zshrc below compinit: source <(xats completion zsh);
    fish, in config.fish: xats completion fish | source.

    Example: xats completion bash

    Example: xats completion zsh
    """
    name = shell or os.path.basename(here.environ.get("SHELL", ""))
    if name not in SHELLS:
        msg = f"xats has no completion for {name!r}." if name else "SHELL is not set, so xats does not know your shell."
        raise Usage(msg, "xats completion bash, xats completion zsh, or xats completion fish")
    file, line = SHELLS[name]
    with open(_path(file), encoding="utf-8") as script:
        text = script.read()
    if here.json:
        render.document({"shell": name, "script": text, "install": line})
        return 0
    render.stream((text.removesuffix("\n"),))
    if render.on_terminal():
        render.say(f"To turn it on, write {line}")
    return 0


def _path(file: str) -> str:
    """Return the path of a completion script: the copy in an installed package, or the file of a checkout."""
    here = os.path.dirname(os.path.abspath(__file__))
    installed = os.path.join(here, "completions", file)
    return installed if os.path.exists(installed) else os.path.join(here, "..", "..", "completions", file)
