"""The columns of a table, from the record whose fields they are."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel

_PLAIN = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
SCHEMA_KEY = b"mobench.schema"
"""Where a table's own metadata say the version of its schema."""


def arrow_schema(record: type[BaseModel], version: str) -> pa.Schema:
    """Makes the schema of a table with one row for each record.

    Args:
        record: Its fields are texts, numbers, flags, lists of such records, or null.
        version: Goes into the table's metadata.
    """
    return pa.schema(_fields(record), metadata={SCHEMA_KEY: version.encode()})


def _fields(record: type[BaseModel]) -> list[pa.Field]:
    hints = {name: field.rebuild_annotation() for name, field in record.model_fields.items()}
    return [pa.field(name, _type(hint)) for name, hint in hints.items()]


def _type(hint: Any) -> pa.DataType:
    """Arrow's type of a field; whether it may be null makes no difference there."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _type(get_args(hint)[0])
    if origin in (Union, UnionType):
        (inner,) = (arg for arg in get_args(hint) if arg is not NoneType)
        return _type(inner)
    if origin is tuple:
        return pa.list_(pa.struct(_fields(get_args(hint)[0])))
    return _PLAIN[hint]
