"""Small models with heads, and what transformers, sentence-transformers and torch answer for texts, pairs, entities, spans and labels."""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import CrossEncoder
from transformers import AutoTokenizer, ModernBertConfig, ModernBertForQuestionAnswering, ModernBertForSequenceClassification, ModernBertForTokenClassification, pipeline

from common import PIPELINES_FIXTURES, generator, redraw
from sentence_fixture import TOKENIZER_CONFIG

TARGET = PIPELINES_FIXTURES / "labels"
LENGTH = 48

NLI = {0: "contradiction", 1: "neutral", 2: "entailment"}
TAGS = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}

TEXT = "the cat sat on the mat, a dog (red) ran 12x"
WIDE = "😀 the cat é sat"  # offsets differ between code points and UTF-16
LONG = "the cat sat on the mat and the dog sat on the red mat and ran up to a cat"


def save(name: str, kind: type, labels: dict[int, str], **config: object) -> Path:
    folder = TARGET / name
    model = kind(
        ModernBertConfig(
            vocab_size=276, hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=1, local_attention=8,
            pad_token_id=3, bos_token_id=1, cls_token_id=1, eos_token_id=2, sep_token_id=2, max_position_embeddings=LENGTH,
            id2label=labels, label2id={label: id for id, label in labels.items()}, **config,
        )
    )
    redraw(model, generator(f"pipelines/labels/{name}"))
    model.save_pretrained(folder)
    shutil.copy(PIPELINES_FIXTURES / "sentence_transformers/base/tokenizer.json", folder)
    (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER_CONFIG | {"model_max_length": LENGTH}) + "\n")
    return folder


def make() -> None:
    shutil.rmtree(TARGET, ignore_errors=True)
    golden = {
        "nli": nli(str(save("nli", ModernBertForSequenceClassification, NLI))),
        "rerank": reranked(),
        "tokens": entities(),
        "spans": spans(save("spans", ModernBertForQuestionAnswering, {0: "start", 1: "end"}), ModernBertForQuestionAnswering),
    }
    (TARGET / "golden.json").write_text(json.dumps(rounded(golden), ensure_ascii=False, indent=1) + "\n")


def rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{float(value):.7g}")
    return int(value) if isinstance(value, np.integer) else value


def nli(folder: str, long: str = LONG) -> dict:
    classify = pipeline("text-classification", folder, device="cpu")
    pair = {"text": TEXT, "text_pair": "the dog ran"}
    cut = {"text": long, "text_pair": long}
    zero = pipeline("zero-shot-classification", folder, device="cpu")
    labels = ["cat", "red dog", "mat"]
    return {
        "text": classify(TEXT, top_k=None),
        "pair": classify(pair, top_k=None),
        "pair_cut": classify(cut, top_k=None, truncation=True, max_length=LENGTH),
        "pair_sigmoid": classify(pair, top_k=2, function_to_apply="sigmoid"),
        "pair_none": classify(pair, top_k=None, function_to_apply="none"),
        "zero_shot": zero(TEXT, candidate_labels=labels),
        "zero_shot_multi": zero(TEXT, candidate_labels=labels, multi_label=True, hypothesis_template="a {} ran"),
        "zero_shot_one": zero(TEXT, candidate_labels=["cat"]),
        "zero_shot_cut": zero(long + long, candidate_labels=labels),
    }


def reranked() -> dict:
    folder = save("reranker", ModernBertForSequenceClassification, {0: "relevance"}, classifier_pooling="mean")
    texts = ["the dog", "a red mat", "the cat sat on the mat", LONG + LONG]
    answers = {"texts": texts}
    for name, activation in (("sigmoid", None), ("identity", "torch.nn.modules.linear.Identity")):
        with tempfile.TemporaryDirectory() as temporary:
            copy = Path(temporary) / "model"
            shutil.copytree(folder, copy)
            config = json.loads((copy / "config.json").read_text())
            if activation:
                config["sentence_transformers"] = {"activation_fn": activation, "version": "6.0.1"}
            (copy / "config.json").write_text(json.dumps(config))
            model = CrossEncoder(str(copy), device="cpu", max_length=LENGTH)
            answers[name] = [{"index": at["corpus_id"], "score": float(at["score"])} for at in model.rank("where is the cat", texts, batch_size=1)]
    return answers


def utf16(text: str, at: int) -> int:
    return len(text[:at].encode("utf-16-le")) // 2


def entities() -> dict:
    folder = str(save("tokens", ModernBertForTokenClassification, TAGS))
    label = pipeline("token-classification", folder, device="cpu")
    answers = entities_of(label, {"text": TEXT, "wide": WIDE})
    label.preprocess = lambda sentence, **_: in_windows(label.tokenizer, sentence, 10)
    for strategy in ("simple", "average"):
        answers[f"stride {strategy}"] = label(LONG + ", " + LONG, aggregation_strategy=strategy)
    words = pipeline("token-classification", folder, device="cpu", aggregation_strategy="first", ignore_labels=["O", "PER"])
    answers["without PER"] = words(TEXT)
    return answers


def entities_of(label: object, texts: dict[str, str]) -> dict:
    answers = {}
    for name, text in texts.items():
        for strategy in ("none", "simple", "first", "average", "max"):
            found = label(text, aggregation_strategy=strategy, ignore_labels=[] if strategy == "none" else ["O"])
            answers[f"{name} {strategy}"] = [dict(one, start=utf16(text, one["start"]), end=utf16(text, one["end"])) for one in found]
    return answers


def cuts(length: int, room: int, stride: int) -> list[tuple[int, int]]:
    """Where windows of a text begin and end. By hand: tokenizers 0.23 loses the last ones."""
    starts = range(0, max(1, length - stride), room - stride)
    return [(start, min(start + room, length)) for start in starts]


def in_windows(tokenizer: object, sentence: str, stride: int) -> object:
    """What the token-classification pipeline's own `preprocess` gives with a stride."""
    encoding = tokenizer(sentence, return_offsets_mapping=True, add_special_tokens=False)
    windows = cuts(len(encoding["input_ids"]), LENGTH - 2, stride)
    for start, end in windows:
        ids = [tokenizer.cls_token_id, *encoding["input_ids"][start:end], tokenizer.sep_token_id]
        offsets = [(0, 0), *encoding["offset_mapping"][start:end], (0, 0)]
        yield {
            "input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.int64), "offset_mapping": torch.tensor([offsets]),
            "special_tokens_mask": torch.tensor([[1] + [0] * (end - start) + [1]]), "sentence": sentence if start == 0 else None, "is_last": end == windows[-1][1],
        }


def spans(folder: Path, kind: type, typed: bool = False) -> dict:
    """`typed`: the context has token type 1."""
    model = kind.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    question, context = "where is the cat", "the red cat sat on the mat, and the dog (12) ran up"
    long = f"{context}. {LONG}"
    cases = {
        "best": (context, {}),
        "three": (context, {"top_k": 3}),
        "three tokens": (context, {"top_k": 3, "align": False}),
        "short answers": (context, {"top_k": 4, "longest": 3, "align": False}),
        "no answer": (context, {"top_k": 5, "impossible": True}),
        "windows": (long, {"top_k": 5, "stride": 8}),
        "windows, no answer": (long, {"top_k": 6, "stride": 8, "impossible": True}),
        "wide": (f"😀 {WIDE} {context[:20]}", {"top_k": 3}),
    }
    return {
        "question": question,
        "cases": [
            {"name": name, "context": text, "options": options, "answers": answer(model, tokenizer, question, text, typed=typed, **options)}
            for name, (text, options) in cases.items()
        ],
    }


def answer(model: torch.nn.Module, tokenizer: object, question: str, context: str, top_k: int = 1, stride: int = 24, longest: int = 15, impossible: bool = False, align: bool = True, typed: bool = False) -> list[dict]:
    """transformers 5 has no such pipeline; this follows what that of version 4 documents, by brute force over all spans."""
    asked = tokenizer(question, add_special_tokens=False)["input_ids"]
    encoding = tokenizer(context, add_special_tokens=False, return_offsets_mapping=True)
    found: list[dict] = []
    null = 1e6
    before = len(asked) + 2
    for begin, finish in cuts(len(encoding["input_ids"]), LENGTH - before - 1, stride):
        ids = torch.tensor([[tokenizer.cls_token_id, *asked, tokenizer.sep_token_id, *encoding["input_ids"][begin:finish], tokenizer.sep_token_id]])
        types = {"token_type_ids": (torch.arange(ids.shape[1])[None] >= before).long()} if typed else {}
        with torch.no_grad():
            output = model(input_ids=ids, **types)
        of_context = [before <= at < before + finish - begin for at in range(ids.shape[1])]
        counts = torch.tensor([inside or id == tokenizer.cls_token_id for inside, id in zip(of_context, ids[0].tolist())])
        start, end = (torch.softmax(torch.where(counts, logits[0].double(), torch.tensor(-10000.0, dtype=torch.float64)), 0) for logits in (output.start_logits, output.end_logits))
        if impossible:
            null = min(null, (start[0] * end[0]).item())
        length = ids.shape[1]
        ranked = [((start[s] * end[e]).item(), s, e) for s in range(length) for e in range(s, min(length, s + longest)) if 0 not in (s, e)]
        ranked.sort(reverse=True)
        for score, s, e in ranked[: top_k * 2 + 10 if align else top_k]:
            if not (of_context[s] and of_context[e]):
                continue
            place, until = (begin + at - before for at in (s, e))
            first, last = encoding["offset_mapping"][place][0], encoding["offset_mapping"][until][1]
            if align:
                first, last = encoding.word_to_chars(encoding.token_to_word(place))[0], encoding.word_to_chars(encoding.token_to_word(until))[1]
            text = context[first:last]
            same = next((one for one in found if one["answer"].lower() == text.lower()), None)
            if same:
                same["score"] += score
            else:
                found.append({"score": score, "start": utf16(context, first), "end": utf16(context, last), "answer": text})
    if impossible:
        found.append({"score": null, "start": 0, "end": 0, "answer": ""})
    return sorted(found, key=lambda one: -one["score"])[:top_k]


if __name__ == "__main__":
    make()
