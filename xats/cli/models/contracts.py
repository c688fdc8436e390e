"""The JSON of contracts."""

from __future__ import annotations

from typing import Annotated, Any

from xats.cli.models.base import Address, Document, Model, OneOf, Time, field
from xats.core.contracts.contracts import RULES
from xats.core.contracts.words import BREAKING, COMPATIBLE, UNKNOWN

Verdict = Annotated[str, OneOf([COMPATIBLE, BREAKING, UNKNOWN])]
Whom = Annotated[str, OneOf(["readers", "writers"])]


class Contract(Model):
    """A version of a contract."""

    name: str = field("The name of the contract.")
    team: str = field("The team.")
    version: int = field("The number of the version.")
    newest: int = field("The number of the newest version.")
    compat: Annotated[str, OneOf(RULES)] = field("The rule that new versions must keep.")
    note: str | None = field("The note of the version.")
    by: Address = field("Who stored the version.")
    at: Time = field("When that was.")
    backward: Verdict | None = field("Whether its readers can read what the version before wrote; null: the first.")
    forward: Verdict | None = field("Whether readers of the version before can read it; null: the first.")
    breaks: list[Whom] = field("Whom the version breaks.")
    created_at: Time = field("When the first version was stored.")
    retired_at: Time | None = field("When the contract was retired.")
    retired_by: Address | None = field("Who retired it.")


class ContractSchema(Contract):
    """A version of a contract with its JSON Schema."""

    schema_: Any = field("The JSON Schema.", alias="schema")


class ListedContract(Contract):
    """A contract in a list."""

    subscribers: int = field("The number of agents that subscribe to it.")


class SchemaChange(Model):
    """A change between two versions."""

    pointer: str = field("Where it is, as a JSON pointer into the schema.")
    kind: str = field("The keyword that changed, or a phrase such as property added.")
    text: str = field("The change in words.")
    backward: Verdict = field("Whether new readers can read what old writers wrote.")
    forward: Verdict = field("Whether old readers can read what new writers write.")
    note: str = field("What else to know about it.")


class Diff(Model):
    """What changed between two versions."""

    from_: int = field("The number of the old version.", alias="from")
    to: int = field("The number of the new version.")
    backward: Verdict = field("Whether new readers can read what old writers wrote.")
    forward: Verdict = field("Whether old readers can read what new writers write.")
    breaks: list[Whom] = field("Whom the change breaks.")
    unknown: list[Whom] = field("For whom xats cannot decide.")
    strict: bool = field("Whether an optional property in an open object counts as breaking.")
    changes: list[SchemaChange] = field("The changes.")


class NamedContract(Model):
    """A name that a contract has, or may get."""

    name: str = field("The name.")
    version: int | None = field("The number of the newest version; null: there is no such contract yet.")


class ContractPutDocument(Document):
    """The version that was stored."""

    contract: Contract = field("The version.")
    created: bool = field("False if the newest version says the same; then nothing new was stored.")
    diff: Diff | None = field("What changed; null: it is the first version, or nothing new.")
    notified: list[Address] = field("The subscribers that got mail about it.")
    will_wake: bool = field("Whether that mail wakes them.")


class ContractGetDocument(Document):
    """One version with its schema."""

    contract: ContractSchema = field("The version.")


class ContractListDocument(Document):
    """The contracts of a team."""

    contracts: list[ListedContract] = field("The newest version of each.")
    has_more: bool = field("Whether there are more than are printed.")


class ContractLogDocument(Document):
    """The versions of a contract."""

    contract: Contract = field("The newest version.")
    versions: list[Contract] = field("The versions, the newest first.")
    has_more: bool = field("Whether there are more than are printed.")


class ContractDiffDocument(Document):
    """What changed between two versions."""

    contract: Contract = field("The new version.")
    diff: Diff = field("What changed.")


class Violation(Model):
    """Why a document does not satisfy a contract."""

    pointer: str = field("Where, as a JSON pointer into the document.")
    message: str = field("Why.")


class ContractCheckDocument(Document):
    """Whether a document satisfies a contract."""

    contract: Contract = field("The version that it was checked against.")
    valid: bool = field("Whether it satisfies the contract.")
    errors: list[Violation] = field("The first reasons why not.")
    has_more: bool = field("Whether there are more reasons.")


class ContractSubscribeDocument(Document):
    """A subscription."""

    contract: NamedContract = field("The contract.")
    subscribed: bool = field("Always true.")
    created: bool = field("False if the agent subscribed before.")


class ContractUnsubscribeDocument(Document):
    """The end of a subscription."""

    contract: NamedContract = field("The contract.")
    subscribed: bool = field("Always false.")
    removed: bool = field("False if the agent did not subscribe.")


class Subscriber(Model):
    """An agent that gets mail when a contract changes."""

    agent: Address = field("The agent.")
    since: Time = field("Since when.")


class ContractSubscribersDocument(Document):
    """Who gets mail when a contract changes."""

    contract: NamedContract = field("The contract.")
    subscribers: list[Subscriber] = field("The subscribers.")


class ContractRenameDocument(Document):
    """The contract under its new name."""

    contract: Contract = field("The newest version.")
    old_name: str = field("The name that it had, as it was given.")
    changed: bool = field("False if that was its name already.")
    notified: list[Address] = field("The subscribers that got mail about it.")


class ContractRetireDocument(Document):
    """The contract that was retired."""

    contract: Contract = field("The newest version.")
    changed: bool = field("False if it was retired before.")
    notified: list[Address] = field("The subscribers that got mail about it.")
