"""Run git, as little as worktrees need: with a time limit, and without variables that point into another repository."""

from __future__ import annotations

import os
import shlex
import subprocess

from xats.base.errors import NotFound, Refused

TIMEOUT = 60.0  # seconds; a checkout of a large repository takes some
# What a hook of git exports: https://git-scm.com/docs/githooks. The others (GIT_SSH, GIT_AUTHOR_NAME) are the user's.
PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


class GitFailed(Refused):
    """git refused what xats asked it to do."""

    code = "git_failed"


def run(folder: str, *words: str, stdin: bytes | None = None) -> str:
    """Return what git prints for `words` in `folder`, without the end of line. Raises GitFailed, NotFound."""
    done = _call(folder, words, stdin)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip() or f"it ended with {done.returncode}"
        lines = said.splitlines()
        why = next((line for line in lines if line.startswith(("fatal: ", "error: "))), lines[-1])
        msg = f"git {words[0]} failed: {why}"
        raise GitFailed(msg, shlex.join(("git", "-C", folder, *words))[:200])
    return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")


def holds(folder: str, *words: str) -> bool:
    """Tell whether git ends with 0 for `words` in `folder`. Raises NotFound."""
    return _call(folder, words, None).returncode == 0


def _call(folder: str, words: tuple[str, ...], stdin: bytes | None) -> subprocess.CompletedProcess[bytes]:
    environ = {name: value for name, value in os.environ.items() if name not in PLACES}
    try:
        return subprocess.run(
            ["git", "-C", folder, *words],
            capture_output=True,
            env={**environ, "LC_ALL": "C.UTF-8"},
            timeout=TIMEOUT,
            check=False,
            input=stdin or b"",
        )
    except FileNotFoundError as problem:
        msg = "A worktree needs git, and there is no git in PATH."
        raise NotFound(msg, "install git") from problem
    except subprocess.TimeoutExpired as problem:
        msg = f"git {words[0]} did not end within {TIMEOUT:g} s."
        raise GitFailed(msg, shlex.join(("git", "-C", folder, "status"))) from problem
