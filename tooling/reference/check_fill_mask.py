"""Compares `modernbert fill-mask --json` with transformers' fill-mask pipeline on the same model folder.

    modernbert fill-mask --model DIR "The capital of France is [MASK]." --json > ours.json
    python tooling/reference/check_fill_mask.py DIR "The capital of France is [MASK]." ours.json

Tokens, their texts and their order must be equal, scores within the tolerance (f32 on the CPU). Exits 1 otherwise.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import transformers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="Hugging Face model folder with tokenizer.json and tokenizer_config.json")
    parser.add_argument("text")
    parser.add_argument("ours", type=Path, help="what `modernbert fill-mask --json` printed")
    parser.add_argument("--tolerance", type=float, default=1e-5, help="largest difference of scores")
    arguments = parser.parse_args()

    ours = json.loads(arguments.ours.read_text())
    several = isinstance(ours[0], list)
    pipeline = transformers.pipeline("fill-mask", model=str(arguments.folder), top_k=len(ours[0] if several else ours))
    theirs = pipeline(arguments.text)
    worst = 0.0
    for mine, wanted in zip(ours if several else [ours], theirs if several else [theirs], strict=True):
        for a, b in zip(mine, wanted, strict=True):
            if (a["token"], a["token_str"]) != (b["token"], b["token_str"]):
                sys.exit(f"expected {b['token']} {b['token_str']!r}, got {a['token']} {a['token_str']!r}")
            worst = max(worst, abs(a["score"] - b["score"]))
    print(f"same tokens; largest difference of scores {worst:.1e}")
    sys.exit(0 if worst <= arguments.tolerance else 1)


if __name__ == "__main__":
    main()
