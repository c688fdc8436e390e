"""The verbs that read contracts: get, list, log, diff, check."""

from __future__ import annotations

from xats.base import durations
from xats.base.errors import REFUSED
from xats.base.jsontext import from_json
from xats.cli.contracts import text
from xats.cli.kit import reading, render, views
from xats.cli.kit.paging import check_limit
from xats.cli.kit.scope import team_of
from xats.core.contracts import contracts, words
from xats.core.contracts import views as contract_views
from xats.core.contracts.errors import InvalidContract

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.contracts.contracts import Version
    from xats.core.contracts.views import Listed
    from xats.store import Tx

NOTHING = "Nothing was checked."


def get(here: Context, name: params.VersionArg) -> int:
    """Print the schema of a contract, or of one version of it.

    The text is exactly what was put. It works for a retired contract too.

    Example: xats contract get order

    Example: xats contract get order@3
    """
    team = team_of(here)
    version = here.store.read(lambda tx: contracts.find_version(tx, team, name))
    if here.json:
        render.document({"contract": {**text.version_json(version), "schema": from_json(version.text)}})
        return 0
    if not here.quiet and render.on_terminal():
        render.say(render.dim(_facts(version, here.store.clock())))
    body = version.text.rstrip("\n")
    render.put(render.visible(body) if render.on_terminal() else body)
    return 0


def _facts(version: Version, now: int) -> str:
    contract = version.contract
    newest = "the newest" if version.number == contract.newest else f"the newest is {contract.newest}"
    retired = ", retired" if contract.retired else ""
    note = f": {render.one_line(version.note)}" if version.note else ""
    by = views.near(version.by, contract.team)
    return (
        f"{version.name} ({newest}, rule: {contract.compat}{retired}), by {by} {durations.ago(version.at, now)}{note}"
    )


def list_(here: Context, *, every: params.RetiredOption = False, limit: params.LimitOption = 50) -> int:
    """List the contracts of the team.

    Each with its newest version, the rule that new versions must keep, and who put it.

    Example: xats contract list
    """
    check_limit(limit, "xats contract list -n 10")
    team = team_of(here)
    found, has_more = here.store.read(lambda tx: contract_views.listing(tx, team, limit, retired=every))
    if here.json:
        rows = [{**text.version_json(one.newest), "subscribers": one.subscribers} for one in found]
        render.document({"contracts": rows, "has_more": has_more})
        return 0
    now = here.store.clock()
    if found:
        headers = ("NAME", "VERSION", "RULE", "BY", "AGE", "SUBSCRIBERS", "NOTE")
        render.table(headers, [_row(one, now) for one in found], stretch=("NOTE",))
    elif not here.quiet:
        render.say(f"no contracts in team {team}: {here.command('contract', 'put', 'NAME', 'FILE')}")
    if has_more and not here.quiet:
        render.say(f"more: {here.command('contract', 'list', '--all' if every else None, '-n', limit * 2)}")
    return 0


def _row(one: Listed, now: int) -> tuple[object, ...]:
    version = one.newest
    rule = f"{one.contract.compat}, retired" if one.contract.retired else one.contract.compat
    by = views.near(version.by, one.contract.team)
    age = durations.rough(now - version.at)
    return one.contract.name, version.number, rule, by, age, one.subscribers, version.note


def log(here: Context, name: params.ContractArg, *, limit: params.LimitOption = 50) -> int:
    """List the versions of a contract, the newest first.

    Each with who put it and when, and whether it broke readers or writers of the version before it.

    Example: xats contract log order
    """
    check_limit(limit, "xats contract list -n 10")
    team = team_of(here)

    def look(tx: Tx) -> tuple[list[Version], bool]:
        return contract_views.log(tx, contracts.find(tx, team, name), limit)

    found, has_more = here.store.read(look)
    if here.json:
        rows = [text.version_json(one) for one in found]
        render.document({"contract": rows[0], "versions": rows, "has_more": has_more})
        return 0
    now = here.store.clock()
    render.table(("VERSION", "BY", "AGE", "EFFECT", "NOTE"), [_line(one, now) for one in found], stretch=("NOTE",))
    contract = found[0].contract
    if not here.quiet:
        if contract.retired:
            by = views.near(contract.retired_by or "", team)
            render.say(f"retired by {by} {durations.ago(contract.retired_at, now)}")
        if has_more:
            render.say(f"more: {here.command('contract', 'log', contract.name, '-n', limit * 2)}")
    return 0


def _line(version: Version, now: int) -> tuple[object, ...]:
    effect = words.effect(version.backward, version.forward) if version.backward else "the first"
    age = durations.rough(now - version.at)
    return version.number, views.near(version.by, version.contract.team), age, effect, version.note


def diff(
    here: Context,
    name: params.ContractArg,
    old: params.OldVersionArg,
    new: params.NewVersionArg,
    *,
    strict: params.StrictOption = False,
) -> int:
    """Show what changed between two versions, and whether it breaks readers, writers or both.

    Readers here use the old version and read documents of the new one; writers use the old version, and their documents
    are read with the new one. If xats cannot decide, the effect is unknown. A new optional property counts as
    compatible even if the object allowed any property: a note says that documents may already use its name. With
    --strict it counts as breaking.

    Example: xats contract diff order 2 3

    Example: xats contract diff order 2 3 --strict
    """
    team = team_of(here)

    def look(tx: Tx) -> tuple[Version, Version]:
        contract = contracts.find(tx, team, name)
        return contracts.version(tx, contract, old), contracts.version(tx, contract, new)

    before, after = here.store.read(look)
    from xats.schemas.diff import diff as compare

    found = compare(text.stored(before, ""), text.stored(after, ""), strict)
    if here.json:
        values = words.values(found, old, new, strict=strict)
        render.document({"contract": text.version_json(after), "diff": values})
        return 0
    how = ", strictly" if strict else ""
    effect = words.effect(found.backward, found.forward) if found.changes else "nothing changed"
    render.put(f"{after.contract.name} {old} -> {new}{how}: {effect}")
    if not here.quiet:
        for line in words.lines(found, len(found.changes)):
            render.put(f"  {line}")
    return 0


def check(
    here: Context,
    name: params.VersionArg,
    document: params.DocumentFileArg = None,
    *,
    file: params.FileOption = None,
    limit: params.LimitOption = 20,
) -> int:
    """Check a JSON document against a contract.

    It exits 0 if the document satisfies the contract. Otherwise it prints the first reasons and exits 4. In JSON Schema
    the format of a text, such as date, is only an annotation, so xats does not check it.

    Example: xats contract check order order.json

    Example: xats contract check order@2 order.json
    """
    check_limit(limit, "xats contract list -n 10")
    team = team_of(here)
    version = here.store.read(lambda tx: contracts.find_version(tx, team, name))
    path = reading.path(document, file, "document", NOTHING)
    source = reading.read(path, "document", InvalidContract, NOTHING)
    value = text.parsed(source, text.named(path), NOTHING)
    found = text.problems(version, value, limit + 1, "")
    shown, has_more = found[:limit], len(found) > limit
    if here.json:
        rows = [{"pointer": one.pointer, "message": one.message} for one in shown]
        values = {"contract": text.version_json(version), "valid": not found, "errors": rows, "has_more": has_more}
        render.document(values)
    elif not here.quiet:
        called = render.one_line(text.named(path))
        render.put(f"{called} satisfies {version.name}" if not found else f"{called} does not satisfy {version.name}:")
        for one in shown:
            render.put(f"  {render.one_line(one.pointer) or 'the document'}: {render.one_line(one.message)}")
        if has_more:
            render.say(f"more: {here.command('contract', 'check', version.name, called, '-n', limit * 2)}")
    return REFUSED if found else 0
