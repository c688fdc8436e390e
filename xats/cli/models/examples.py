"""Models of the example crews."""

from __future__ import annotations

from xats.cli.models.base import Document, Model, field


class CrewExample(Model):
    """A crew that comes with xats."""

    name: str = field("The name.")
    about: str = field("The crew, in one sentence.")
    folder: str = field("Where its files are: the project that they were copied into, or the folder of xats.")
    files: list[str] = field("The files, relative to that folder.")
    tasks: str = field("The file with its tasks, for xats task import, relative to that folder.")


class UpExampleDocument(Document):
    """The example that was copied."""

    example: CrewExample = field("The example.")


class UpExampleListDocument(Document):
    """The examples that can be copied."""

    examples: list[CrewExample] = field("Each of them.")
    has_more: bool = field("Always false.")
