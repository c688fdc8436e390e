"""Repositories that are made with git."""

from __future__ import annotations

import os
import subprocess

IDENTITY = {f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(*words, cwd=None) -> str:
    """Run git, without the configuration of this user and machine."""
    environ = {**os.environ, **IDENTITY, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *map(str, words)],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


class Yard:
    """A folder in which repositories are made."""

    def __init__(self, folder) -> None:
        self.folder = folder

    def __truediv__(self, name: str):
        return self.folder / name

    def folder_at(self, name: str):
        """Make a folder without git."""
        made = self.folder / name
        made.mkdir(parents=True)
        return made

    def repository(self, name: str):
        """Make a repository with one commit."""
        made = self.folder_at(name)
        git("init", "-q", made)
        git("commit", "-q", "--allow-empty", "-m", "first", cwd=made)
        return made

    def worktree(self, of, name: str, branch: str | None = None):
        """Add a linked worktree to the repository `of`."""
        made = self.folder / name
        git("worktree", "add", "-q", "-b", branch or name.replace("/", "-").strip("."), made, cwd=of)
        return made

    def submodule(self, of, source, name: str):
        """Add the repository `source` as a submodule to `of`, and commit that."""
        git("submodule", "--quiet", "add", source, name, cwd=of)
        git("commit", "-q", "-m", "submodule", cwd=of)
        return of / name

    def bare(self, folder: str, name: str, *branches: str):
        """Make a bare repository `name` in `folder`, with one folder for each of the `branches` beside it."""
        source = self.repository(f"source-of-{folder}")
        self.folder_at(folder)
        git("clone", "-q", "--bare", source, self.folder / folder / name)
        for branch in branches:
            git("worktree", "add", "-q", "-b", branch, f"../{branch}", cwd=self.folder / folder / name)
        return self.folder / folder
