"""Compares an adapter of ours, loaded by PEFT beside its base, with the model that we folded it into.

    python tooling/reference/check_adapter.py ADAPTER MODEL [--base BASE]

The class is the one that MODEL's config.json names. Every tensor of the adapter must be taken and none may be missing; logits (or hidden states) on
random ids must agree to 5e-5 of the largest. Exits 1 otherwise.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adapter", type=Path, help="PEFT folder")
    parser.add_argument("model", type=Path, help="the same folded into its base")
    parser.add_argument("--base", type=Path, help="the base; the one that the adapter names when left out")
    arguments = parser.parse_args()
    base = arguments.base or json.loads((arguments.adapter / "adapter_config.json").read_text())["base_model_name_or_path"]
    config = transformers.AutoConfig.from_pretrained(arguments.model)
    kind = getattr(transformers, config.architectures[0])
    settings = dict(dtype=torch.float32, attn_implementation="eager")
    folded = kind.from_pretrained(arguments.model, **settings).eval()
    adapted = PeftModel.from_pretrained(kind.from_pretrained(base, config=config, **settings), arguments.adapter).eval()

    saved = load_file(arguments.adapter / "adapter_model.safetensors")
    taken = get_peft_model_state_dict(adapted)
    if odd := sorted(saved.keys() ^ taken.keys()):
        raise SystemExit(f"PEFT knows other tensors than the folder has: {odd}")
    changed = [name for name in saved if not torch.equal(saved[name], taken[name])]
    if changed:
        raise SystemExit(f"PEFT did not take {changed}")

    random = torch.Generator().manual_seed(1)
    ids = torch.randint(4, config.vocab_size, (3, 24), generator=random)
    with torch.no_grad():
        ours, theirs = (model(input_ids=ids)[0] for model in (folded, adapted))
    error = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    print(f"{len(saved)} tensors; {kind.__name__} of both: max error {error:.2e} of max|reference|")
    sys.exit(0 if error <= 5e-5 else 1)


if __name__ == "__main__":
    main()
