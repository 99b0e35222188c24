"""Times transformers' ModernBERT (sdpa) on request, so that a benchmark can alternate with it.

One JSON request a line on standard input, one JSON answer a line on standard output. Weights come from a safetensors folder.
  {"op": "load", "folder": F, "threads": N}                 -> {"ok": true}
  {"op": "forward", "batch": B, "length": S}                -> {"ms": t, "values": first 8 of last_hidden_state}
  {"op": "train", "batch": B, "length": S, "mask": p}       -> {"ms": t}   forward, backward and AdamW step of the masked LM
Token ids are (7 i + 11 j) mod 50000 for row j, column i, as in the benchmark.
"""

import json
import sys
import time

import torch
from transformers import AutoModel, AutoModelForMaskedLM


def ids(batch, length):
    i = torch.arange(length)[None, :]
    j = torch.arange(batch)[:, None]
    return (7 * i + 11 * j) % 50000


def main():
    models = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "load":
            torch.set_num_threads(request["threads"])
            folder = request["folder"]
            kind = AutoModelForMaskedLM if request.get("head") == "masked-lm" else AutoModel
            model = kind.from_pretrained(folder, attn_implementation="sdpa", dtype=torch.float32)
            models["model"] = model
            models["optimizer"] = torch.optim.AdamW(model.parameters(), lr=1e-4) if request.get("head") else None
            answer = {"ok": True, "torch": torch.__version__}
        elif request["op"] == "forward":
            x = ids(request["batch"], request["length"])
            model = models["model"].eval()
            with torch.inference_mode():
                start = time.perf_counter()
                out = model(input_ids=x).last_hidden_state
                answer = {"ms": (time.perf_counter() - start) * 1e3, "values": out[0, 0, :8].tolist()}
        else:
            x = ids(request["batch"], request["length"])
            labels = torch.full_like(x, -100)
            step = max(1, round(1 / request["mask"]))
            flat = labels.view(-1)
            flat[::step] = x.reshape(-1)[::step]
            model = models["model"].train()
            start = time.perf_counter()
            models["optimizer"].zero_grad(set_to_none=True)
            loss = model(input_ids=x, labels=labels).loss
            loss.backward()
            models["optimizer"].step()
            answer = {"ms": (time.perf_counter() - start) * 1e3, "loss": float(loss)}
        print(json.dumps(answer), flush=True)


main()
