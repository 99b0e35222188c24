"""Compares vectors that `modernbert embed` gave with sentence-transformers on the same model folder.

    printf "a text\\nanother\\n" | modernbert embed --model DIR > vectors.jsonl
    python tooling/reference/check_sentence.py DIR vectors.jsonl "a text" "another"

Exits 1 when a vector is off by more than 1e-4 of its largest number.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from sentence_transformers import SentenceTransformer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("texts", nargs="+")
    arguments = parser.parse_args()
    ours = [json.loads(line) for line in arguments.vectors.read_text().splitlines() if line.strip()]
    model = SentenceTransformer(str(arguments.folder), device="cpu")
    print(model)
    reference = model.encode(arguments.texts)
    if len(ours) != len(reference):
        raise SystemExit(f"{len(ours)} vectors for {len(reference)} texts")
    worst = max(
        max(abs(a - b) for a, b in zip(own, other, strict=True)) / max(abs(other)) for own, other in zip(ours, reference, strict=True)
    )
    print(f"largest difference: {worst:.2e}")
    if worst > 1e-4:
        raise SystemExit("the vectors differ")


if __name__ == "__main__":
    main()
