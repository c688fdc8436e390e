"""The JSON Schemas of the models, which `make generate` writes for `xats schema`.

They promise less than the models check: they allow other fields, because a later xats may add some.
"""

from __future__ import annotations

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from xats.cli.models import DOCUMENTS, LINES, READ, FailureDocument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pydantic import BaseModel
    from pydantic_core import core_schema

    from xats.cli.models import Models

    Schema = dict[str, Any]


class _Generator(GenerateJsonSchema):
    """Leaves out the titles of fields and models, and the ban on other fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Return that no field has a title."""
        del schema
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """Return the schema of a model."""
        found = super().model_schema(schema)
        return {name: value for name, value in found.items() if name not in ("title", "additionalProperties")}


def of_all() -> Schema:
    """Return the JSON Schemas of all verbs, of a failure, and of JSON Lines, which share definitions."""
    documents: dict[str, Models] = {**DOCUMENTS, "failure": (FailureDocument,)}
    printed: dict[str, Models] = {f"{verb} --jsonl": (model,) for verb, model in LINES.items()}
    lines: dict[str, Models] = {**printed, **{name: (model,) for name, model in READ.items()}}
    schemas, definitions = _schemas({**documents, **lines})
    return {
        "schemas": {name: schemas[name] for name in documents},
        "lines": {name: schemas[name] for name in lines},
        **definitions,
    }


def _schemas(wanted: Mapping[str, Models]) -> tuple[dict[str, Schema], Schema]:
    """Return the schemas of `wanted` by name, and what they refer to."""
    models: list[type[BaseModel]] = list(dict.fromkeys(one for several in wanted.values() for one in several))
    found, definitions = models_json_schema([(one, "validation") for one in models], schema_generator=_Generator)
    own = {model: schema for (model, _), schema in found.items()}
    schemas = {
        name: own[several[0]] if len(several) == 1 else {"anyOf": [own[one] for one in several]}
        for name, several in wanted.items()
    }
    return schemas, definitions
