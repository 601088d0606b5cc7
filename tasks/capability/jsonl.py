"""Data of a capability task: a JSON Lines file that lies beside the task's YAML.

lm-eval resolves a path in ``data_files`` against the working directory, which would tie the
tasks to one checkout. A file named here is found wherever this folder is installed:

    custom_dataset: !function jsonl.load
    dataset_kwargs: {file: smol_facts.jsonl}
    test_split: test
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def load(file: str, **_: Any) -> dict[str, Any]:
    """Returns the rows of `file`, one JSON object a line, as the split ``test``.

    lm-eval also passes the task's metadata and the model's arguments; they are ignored.
    """
    from datasets import Dataset

    lines = (Path(__file__).parent / file).read_text(encoding="utf-8").splitlines()
    return {"test": Dataset.from_list([json.loads(line) for line in lines if line.strip()])}
