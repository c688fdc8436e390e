"""Errors of contracts; see base/errors.py."""

from __future__ import annotations

from xats.base.errors import NotFound, Refused, Usage


class InvalidContract(Usage):
    """The contract is not valid."""

    code = "invalid_contract"


class UnknownContract(NotFound):
    """There is no contract of that name in this team."""

    code = "unknown_contract"
    hint = "xats contract list"


class UnknownVersion(NotFound):
    """The contract has no such version."""

    code = "unknown_version"


class BreakingChange(Refused):
    """The new version would break the rule of the contract."""

    code = "breaking_change"


class ContractRetired(Refused):
    """The contract is retired."""

    code = "retired"


class ContractTaken(Refused):
    """There is a contract of that name already."""

    code = "contract_taken"


class ContractViolated(Refused):
    """The document does not satisfy the contract."""

    code = "contract_violated"
