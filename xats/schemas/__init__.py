"""Contracts: JSON Schemas (drafts 7, 2019-09 and 2020-12) that agents agree on, and whom a change breaks.

    text.parse(text)                  the value of a JSON text; a key twice, NaN, deep nesting: InvalidJson
    text.same(a, b)                   whether two values are equal: 1 is 1.0, true is not 1
    schema.Schema(value)              a valid schema, else InvalidSchema with `pointer` and `reason` in its data
    check.errors(schema, doc, limit)  why a document does not satisfy it: Problems of `pointer` and `message`
    diff.diff(old, new, strict)       Diff of `backward`, `forward` and `changes`, each compatible, breaking or unknown
    pointer.get(doc, "/a/0")          RFC 6901
    pattern.search(pattern, text)     whether a pattern of ECMA-262 matches in a text

A Schema may be used again and again; `errors` and `diff` also take the bare value. Nothing is fetched: a reference to
another document is refused. `format` is a note, in both. Numbers are exact, see `number`. `schema`, `check` and `diff`
import the `jsonschema` library, which costs 0.15 s: import them late.
"""
