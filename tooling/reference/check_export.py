"""Compares what `modernbert forward` computed with transformers on the same model folder.

    modernbert forward --model DIR --input in.safetensors --output out.safetensors [--gradients]
    python tooling/reference/check_export.py DIR --input in.safetensors --output out.safetensors

Loads DIR with transformers (every tensor must be there and none too many), runs in.safetensors (input_ids, attention_mask, optional
labels) in f32 on the CPU, and compares each tensor that out.safetensors shares with the reference: last_hidden_state, logits or
start_logits/end_logits, loss, grad.*. An error is max|ours - reference| / max|reference|. If DIR has a tokenizer, it must load too.
Exits 1 when an error is above its tolerance, something is missing, or a padded position is not zero.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from safetensors.torch import load_file

POSITIONS = ("last_hidden_state", "logits", "start_logits", "end_logits")


def load_model(folder: Path) -> torch.nn.Module:
    config = transformers.AutoConfig.from_pretrained(folder)
    kind = getattr(transformers, config.architectures[0]) if config.architectures else transformers.AutoModelForMaskedLM
    model, info = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    problems = {key: sorted(map(str, value)) for key, value in info.items() if value}
    if problems:
        raise SystemExit(f"{folder} does not fit {kind.__name__}: {problems}")
    return model.eval()


def check_tokenizer(folder: Path, vocab_size: int) -> None:
    if not (folder / "tokenizer.json").exists():
        print("tokenizer: none in the folder, not checked")
        return
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("The capital of France is [MASK].").input_ids
    print(f"tokenizer: {type(tokenizer).__name__}, {len(tokenizer)} tokens, ids {ids}")
    if max(ids) >= vocab_size or tokenizer.mask_token_id not in ids or ids[0] != tokenizer.cls_token_id or ids[-1] != tokenizer.sep_token_id:
        raise SystemExit(f"the tokenizer does not fit a model of {vocab_size} tokens, or lacks [CLS], [SEP] or [MASK]")


def reference(model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    states = {}
    hook = model.base_model.final_norm.register_forward_hook(lambda _module, _inputs, output: states.update(last_hidden_state=output))
    output = model(**inputs)
    hook.remove()
    found = states | {key: value for key, value in output.items() if key in (*POSITIONS, "loss")}
    if "loss" in found:
        found["loss"].backward()
        found |= {f"grad.{name}": parameter.grad for name, parameter in model.named_parameters()}
    mask = inputs["attention_mask"]
    for key in POSITIONS:
        if key in found and found[key].shape[:2] == mask.shape and not (key == "logits" and found[key].ndim == 2):
            found[key] = found[key] * mask.view(*mask.shape, *[1] * (found[key].ndim - 2))
    return {key: value.detach() for key, value in found.items()}


def compare(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor], tolerance: float, gradient_tolerance: float) -> bool:
    required = {key for key in theirs if not key.startswith("grad.") or any(name.startswith("grad.") for name in ours)}
    if missing := sorted(required - ours.keys()):
        raise SystemExit(f"the output file lacks {missing}")
    passed = True
    for key in sorted(required):
        mine, wanted = ours[key].float(), theirs[key]
        if mine.shape != wanted.shape:
            raise SystemExit(f"{key}: expected shape {list(wanted.shape)}, got {list(mine.shape)}")
        error = ((mine - wanted).abs().max() / wanted.abs().max().clamp(min=1e-12)).item()
        limit = gradient_tolerance if key.startswith("grad.") else tolerance
        good = error <= limit  # False for NaN too
        passed &= good
        if not good or not key.startswith("grad."):
            print(f"{key}: max error {error:.2e} of max|reference|, tolerance {limit:.0e}{'' if good else '  FAILED'}")
    return passed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="Hugging Face model folder")
    parser.add_argument("--input", type=Path, required=True, help="safetensors with input_ids, attention_mask and optional labels")
    parser.add_argument("--output", type=Path, required=True, help="safetensors that `modernbert forward` wrote from it")
    parser.add_argument("--tolerance", type=float, default=5e-5, help="for activations and loss, of max|reference|")
    parser.add_argument("--gradient-tolerance", type=float, default=5e-4, help="for gradients, of max|reference|")
    arguments = parser.parse_args()

    model = load_model(arguments.folder)
    check_tokenizer(arguments.folder, model.config.vocab_size)
    inputs = {key: value if value.is_floating_point() else value.long() for key, value in load_file(arguments.input).items()}
    inputs.setdefault("attention_mask", torch.ones_like(inputs["input_ids"]))
    passed = compare(load_file(arguments.output), reference(model, inputs), arguments.tolerance, arguments.gradient_tolerance)
    print("same as transformers" if passed else "NOT the same as transformers")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
