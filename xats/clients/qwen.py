"""Qwen Code, seen at 0.24.4: a prompt at the left edge, and behind it always something that nobody has typed.

That is its placeholder, or what it thinks its user may want next, in a colour of its theme. Below are those colours of
the themes that come with it, but for two of the 256 colours, in which another theme draws what a person types: 59, of
Ayu, and 102, of Atom One and GitHub. With those, and with most themes of one's own, it is taken for a draft.
"""

from __future__ import annotations

from xats.clients.profile import Profile

PROFILE = Profile(
    "qwen",
    executables=("qwen",),
    scripts=("qwen", "qwen-code"),
    glyphs=("> ", "* "),  # the second in its mode that accepts everything
    shell=("! ",),
    busy=("Enter to steer",),
    busy_rows=("  [.⠀-⣿]*(*esc to*", "  (Esc to cancel)"),
    messages=("  > ", "  ◆"),
    busy_titles=("✦*", "◐*", "◓*", "◑*", "◒*"),
    dialog=("Allow execution of", "Apply this change?", "● 1.", "Yes, allow once"),
    dialog_titles=("✋*", "✳*"),
    modal=True,
    draft_rows=("  ↑ *", "  ← → *"),  # below a composer where a file is attached to what will be sent
    untyped=(
        *("38;5;103", "38;2;108;112;134"),  # Default, Qwen Dark, ANSI
        *("38;5;145", "38;2;151;160;176"),  # Default Light, Qwen Light, ANSI Light, Google Code
        *("38;5;246", "38;2;153;153;153"),  # GitHub Light
        *("38;5;250", "38;2;192;192;192"),  # Xcode
        "38;2;166;170;175",  # Ayu Light: 145
        "38;2;98;114;164",  # Dracula: 103
        "38;2;114;108;134",  # Shades Of Purple: 103
        "38;2;61;65;73",  # Ayu
        "38;2;92;99;112",  # Atom One
        "38;2;106;115;125",  # GitHub
    ),
    cursor=True,
    settle=20,
    takes=3000,  # a second Enter, before it has taken the first, might accept what it suggests
    shows=4000,  # for some seconds after a turn, while it thinks of a suggestion, it may need two of them
    bracketed=True,
    pasted=("[[]Pasted Content * chars]", "[[]Pasted Content * chars] #*"),
    install="npm install -g @qwen-code/qwen-code",
)
