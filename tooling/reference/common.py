"""Shared by the fixture makers: seeded draws, ragged batches, and files whose bytes are the same on every run."""

import hashlib
import json
import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]
MODERNBERT_FIXTURES = ROOT / "packages/modernbert/test/fixtures"
BERT_FIXTURES = ROOT / "packages/bert/test/fixtures"
TRAINING_FIXTURES = ROOT / "packages/training/test/fixtures"
SAFETENSORS_FIXTURES = ROOT / "packages/safetensors/test/fixtures"
PIPELINES_FIXTURES = ROOT / "packages/pipelines/test/fixtures"

PAD, CLS, SEP, MASK = 0, 1, 2, 3


def generator(name: str) -> torch.Generator:
    """A random stream of its own for every name, so that adding a fixture changes no other one."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")
    return torch.Generator().manual_seed(seed)


def redraw(model: torch.nn.Module, random: torch.Generator) -> None:
    """Replaces every parameter, so that none is zero, one, or symmetric: a dropped bias or a swapped pair must show."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            draw = torch.randn(parameter.shape, generator=random)
            if parameter.ndim == 1:
                parameter.copy_((1.0 if "norm.weight" in name or "LayerNorm.weight" in name else 0.0) + 0.3 * draw)
            elif "embeddings" in name and parameter.ndim == 2:
                parameter.copy_(2.0 * draw / parameter.shape[1] ** 0.5)
            else:
                parameter.copy_(1.2 * draw / parameter.shape[1] ** 0.5)


def ragged_batch(lengths: list[int], vocab: int, random: torch.Generator, left_padded: tuple[int, ...] = ()) -> dict[str, torch.Tensor]:
    """[CLS] random ids [SEP], padded to the longest; ids stay above the special ones, so a real token is never PAD."""
    width = max(lengths)
    input_ids = torch.full((len(lengths), width), PAD)
    attention_mask = torch.zeros(len(lengths), width, dtype=torch.int64)
    for row, length in enumerate(lengths):
        ids = torch.randint(MASK + 1, vocab, (length,), generator=random)
        ids[0] = CLS
        if length > 1:
            ids[-1] = SEP
        place = slice(width - length, width) if row in left_padded else slice(0, length)
        input_ids[row, place] = ids
        attention_mask[row, place] = 1
    return {"input_ids": input_ids, "attention_mask": attention_mask}


def mask_tokens(batch: dict[str, torch.Tensor], random: torch.Generator) -> torch.Tensor:
    """Masks 30 % of the real tokens in place and returns the labels, -100 elsewhere; the first row's first token is always masked."""
    ids, real = batch["input_ids"], batch["attention_mask"].bool()
    chosen = (torch.rand(ids.shape, generator=random) < 0.3) & real
    chosen[0, 0] = True
    labels = torch.where(chosen, ids, -100)
    ids[chosen] = MASK
    return labels


def require_finite(name: str, tensors: dict[str, torch.Tensor]) -> None:
    for key, value in tensors.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise SystemExit(f"{name}: {key} is not finite")


def save_golden(folder: Path, tensors: dict[str, torch.Tensor], **configs: dict) -> None:
    """FOLDER/golden.safetensors and FOLDER/<name>.json for each config (`config` is config.json, `config_v4` is config.v4.json)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, config in configs.items():
        (folder / f"{name.replace('_', '.')}.json").write_text(json.dumps(config, indent=2) + "\n")
    # One metadata entry only: the library writes several in an order that differs from run to run.
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()}, folder / "golden.safetensors", {"made_with": versions})
