"""Times transformers' ModernBERT (sdpa) on request, so that a benchmark can alternate with it.

One JSON request a line on standard input, one JSON answer a line on standard output. Weights come from a safetensors folder.
  {"op": "load", "folder": F, "threads": N, "head"?: H, "dtype"?: D}     -> {"ok": true}
  {"op": "forward", "lengths": [...]}                       -> {"ms": t, "values": first 8 numbers of each sequence's last token}
  {"op": "train", "lengths": [...]}                         -> {"ms": t}   forward, backward and AdamW step of the head that was loaded
Token ids are (7 i + 11 j) mod 50000 for row j, column i, as in cases.mjs; shorter rows are padded and masked.
"""

import json
import sys
import time

import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification


CLASSES = {"masked-lm": AutoModelForMaskedLM, "sequence-classification": AutoModelForSequenceClassification}


def batch(lengths):
    width = max(lengths)
    column = torch.arange(width)[None, :]
    inside = column < torch.tensor(lengths)[:, None]
    ids = torch.where(inside, (7 * column + 11 * torch.arange(len(lengths))[:, None]) % 50000, 0)
    return {"input_ids": ids} if inside.all() else {"input_ids": ids, "attention_mask": inside.long()}


def forward(model, lengths):
    inputs = batch(lengths)
    with torch.inference_mode():
        start = time.perf_counter()
        out = model.eval()(**inputs).last_hidden_state
        ms = (time.perf_counter() - start) * 1e3
    return {"ms": ms, "values": [out[row, length - 1, :8].tolist() for row, length in enumerate(lengths)]}


def labels_of(model, ids):
    if type(model).__name__.endswith("ForSequenceClassification"):
        return torch.arange(len(ids)) % 2
    labels = torch.full_like(ids, -100)
    labels.view(-1)[::3] = ids.reshape(-1)[::3]
    return labels


def train(model, optimizer, lengths):
    inputs = batch(lengths)
    labels = labels_of(model, inputs["input_ids"])
    model.train()
    start = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    model(**inputs, labels=labels).loss.backward()
    optimizer.step()
    return {"ms": (time.perf_counter() - start) * 1e3}


def main():
    model = optimizer = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "load":
            torch.set_num_threads(request["threads"])
            head = request.get("head")
            kind = CLASSES.get(head, AutoModel)
            model = kind.from_pretrained(request["folder"], attn_implementation="sdpa", dtype=getattr(torch, request.get("dtype", "float32")))
            optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True) if head else None
            answer = {"ok": True}
        elif request["op"] == "forward":
            answer = forward(model, request["lengths"])
        else:
            answer = train(model, optimizer, request["lengths"])
        print(json.dumps(answer), flush=True)


main()
