"""The ladder as it is commonly trained: a loop over runs with TRL's SFTTrainer and PEFT.

Everything that would slow the trainer down without need is off: gradient checkpointing (on by
default), mixed precision on top of the model's own, evaluation, saving, reports, progress bars.
The data are tokenized beforehand and come in the same order.
"""

from __future__ import annotations

import copy
import time
from tempfile import TemporaryDirectory
from typing import Any

from datasets import Dataset
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
from transformers import PreTrainedModel, PrinterCallback
from trl import SFTConfig, SFTTrainer

from benchmarks.ladder_work import LOGGED, Side, Work, resident_bytes
from mobench.lanes import LoraLanes
from mobench.quiet import quiet
from mobench.train.batches import IGNORED
from mobench.train.pack import Run


def train_with_trl(model: PreTrainedModel, tokenizer: Any, work: Work) -> Side:
    """Trains every run of the ladder, one after the other.

    Args:
        model: The base; copied for each run.
        tokenizer: The base's; the trainer asks for one.
        work: What to train.
    """
    seconds = setup = 0.0
    losses: list[tuple[float, ...]] = []
    for run in work.runs:
        began = time.perf_counter()
        with TemporaryDirectory() as folder, quiet():
            start = _start(model, work, run)
            trainer = SFTTrainer(
                model=start,
                args=_config(work, run, folder, on_cpu=model.device.type == "cpu"),
                train_dataset=_dataset(work, run),
                processing_class=tokenizer,
            )
            trainer.remove_callback(PrinterCallback)
            ready = time.perf_counter()
            trainer.train()
            seconds += time.perf_counter() - ready
            setup += ready - began
        history = trainer.state.log_history
        losses.append(tuple(entry["loss"] for entry in history if "loss" in entry))
    return Side(seconds, setup, tuple(losses), resident_bytes())


def _start(model: PreTrainedModel, work: Work, run: Run) -> Any:
    """A model of the run's own, its adapter drawn as mobench draws that of the same seed."""
    fresh = copy.deepcopy(model)
    if work.method == "full":
        return fresh.requires_grad_(True)
    drawn = LoraLanes(copy.deepcopy(model), [run.seed], rank=work.rank, alpha=work.alpha).state(0)
    config = LoraConfig(
        r=work.rank,
        lora_alpha=work.alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    wrapped = get_peft_model(fresh, config)
    set_peft_model_state_dict(wrapped, drawn)
    return wrapped


def _config(work: Work, run: Run, folder: str, *, on_cpu: bool) -> SFTConfig:
    return SFTConfig(
        output_dir=folder,
        max_steps=work.steps,
        per_device_train_batch_size=work.batch_size,
        learning_rate=run.lr,
        lr_scheduler_type="constant",
        warmup_steps=0,
        weight_decay=0.0,
        max_grad_norm=1.0,
        seed=run.seed,
        train_sampling_strategy="sequential",
        max_length=None,
        packing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=on_cpu,
        dataloader_pin_memory=not on_cpu,
        logging_steps=min(LOGGED, work.steps),
        eval_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


def _dataset(work: Work, run: Run) -> Dataset:
    """The run's examples in the order of its batches; -100 where there is no loss."""
    shown = [example for batch in work.batches(run.seed) for example in batch]
    return Dataset.from_dict(
        {
            "input_ids": [[*e.prompt, *e.response] for e in shown],
            "labels": [[IGNORED] * len(e.prompt) + list(e.response) for e in shown],
        }
    )
