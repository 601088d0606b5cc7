"""``board.json`` and ``board.parquet``: the same results, for any language and for tables."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq

from mobench.publish.data.arrow_schema import arrow_schema
from mobench.records.board import Board, BoardResult
from mobench.records.names import BOARD_SCHEMA

JSON, PARQUET = "board.json", "board.parquet"


def board_json(board: Board) -> bytes:
    """Writes the board as JSON, one result to a paragraph, so that a change is seen in a diff."""
    text = json.dumps(
        board.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False, allow_nan=False
    )
    return f"{text}\n".encode()


def board_table(board: Board) -> pa.Table:
    """The board as a table with one row for each result."""
    rows = [result.model_dump(mode="json") for result in board.results]
    return pa.Table.from_pylist(rows, schema=arrow_schema(BoardResult, BOARD_SCHEMA))


def board_parquet(board: Board) -> bytes:
    """The table as a Parquet file.

    The bytes are the same for the same results and the same release of pyarrow, which writes its
    own version into them; :func:`same_table` tells whether two such files say the same.
    """
    buffer = io.BytesIO()
    pq.write_table(board_table(board), buffer, compression="zstd")
    return buffer.getvalue()


def same_table(one: bytes, other: bytes) -> bool:
    """Whether two Parquet files hold the same table, whichever pyarrow wrote them.

    Args:
        one: A file.
        other: One that was written here.
    """
    try:
        tables = [pq.read_table(io.BytesIO(content)) for content in (one, other)]
    except (pa.ArrowException, OSError, ValueError):
        return False
    return bool(tables[0].equals(tables[1], check_metadata=True))
