"""How far torch's own bf16 is from the f32 goldens of ModernBERT: what our bf16 is measured against. Reads the goldens; run it after model_fixtures."""

import json

import torch
import transformers
from safetensors.torch import load_file
from transformers import ModernBertConfig

from common import MODERNBERT_FIXTURES
from model_fixtures import golden, masked_question_answering_loss

TO = MODERNBERT_FIXTURES.parent / "bf16-errors.json"


def relative_error(got: torch.Tensor, wanted: torch.Tensor) -> float:
    """max |got - wanted| / max |wanted|, as relativeError in test/support/compare.ts."""
    return float((got.detach().float() - wanted).abs().max() / wanted.abs().max().clamp(min=1e-12))


def errors(name: str) -> dict[str, float]:
    """By tensor: of the model and its parameters in bf16, as `model.to(torch.bfloat16)` gives it."""
    folder = MODERNBERT_FIXTURES / name
    tensors = load_file(folder / "golden.safetensors")
    config = json.loads((folder / "config.json").read_text())
    model = getattr(transformers, config["architectures"][0])(ModernBertConfig(**config, attn_implementation="eager")).eval()
    state = {key.removeprefix("param."): value for key, value in tensors.items() if key.startswith("param.")}
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or any(key != "decoder.weight" for key in missing):
        raise SystemExit(f"{name}: {missing} are missing, {unexpected} unexpected")
    inputs = {key.removeprefix("input."): value for key, value in tensors.items() if key.startswith("input.")}
    loss = masked_question_answering_loss(inputs) if name == "question_answering_ragged" else None
    got = golden(model.to(torch.bfloat16), inputs, all_states="output.hidden_states.0" in tensors, loss=loss)
    wanted = {key: value for key, value in tensors.items() if key.startswith(("output.", "grad."))}
    return {key: round(relative_error(got[key], value), 6) for key, value in sorted(wanted.items())}


def make() -> None:
    names = sorted(path.name for path in MODERNBERT_FIXTURES.iterdir() if path.is_dir())
    TO.write_text(json.dumps({name: errors(name) for name in names}, indent=1) + "\n")
