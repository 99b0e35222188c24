"""torch and transformers on the same card, on request, so that a benchmark can alternate with them. Needs no network.

One JSON request a line on standard input, one JSON answer a line on standard output; {"error": E} where a request cannot be done.
  {"op": "load", "folder": F, "compiled": C, "training": T}   -> {"device": D}   sdpa; bf16 weights, or f32 with autocast to train
  {"op": "forward", "lengths": L}                             -> {"ms": t, "values": first 8 numbers of each text's last token}
  {"op": "train", "lengths": L}                               -> {"ms": t, "loss": l}
  {"op": "attention", "kind": K, "lengths": L, "heads": H, "window": W, "backward": B} -> {"ms": t}   sdpa, nested or flex
  {"op": "product", "size": N}                                -> {"teraflops": r}
  {"op": "memory"}                                            -> {"gigabytes": g}   the peak since the last load
Token ids are (7 i + 11 j) mod 50000 mod vocabulary for row j, column i; shorter rows are padded and masked.
"""

import json
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import torch.nn.functional as F

cuda = torch.cuda.is_available()
device = "cuda" if cuda else "cpu"


def synchronize():
    if cuda:
        torch.cuda.synchronize()


def milliseconds(run, calls=1):
    synchronize()
    start = time.perf_counter()
    for _ in range(calls):
        result = run()
    synchronize()
    return (time.perf_counter() - start) * 1e3 / calls, result


class Peer:
    def load(self, folder, compiled, training):
        from transformers import AutoModel, AutoModelForMaskedLM, logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self.model = self.optimizer = self.step = None
        if cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        kind, dtype = (AutoModelForMaskedLM, torch.float32) if training else (AutoModel, torch.bfloat16)
        self.model = kind.from_pretrained(folder, attn_implementation="sdpa", dtype=dtype).to(device)
        self.vocabulary = self.model.config.vocab_size
        self.model.train(training)
        if training:
            self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, fused=cuda)
        self.call = torch.compile(self.model) if compiled else self.model
        return {"device": torch.cuda.get_device_name() if cuda else "CPU", "torch": torch.__version__}

    def batch(self, lengths):
        width = max(lengths)
        column = torch.arange(width)[None, :]
        inside = column < torch.tensor(lengths)[:, None]
        ids = (7 * column + 11 * torch.arange(len(lengths))[:, None]) % 50000 % self.vocabulary
        ids = torch.where(inside, ids, 0).to(device)
        return {"input_ids": ids} if inside.all() else {"input_ids": ids, "attention_mask": inside.long().to(device)}

    def forward(self, lengths):
        inputs = self.batch(lengths)
        with torch.inference_mode():
            ms, out = milliseconds(lambda: self.call(**inputs).last_hidden_state)
        return {"ms": ms, "values": [out[row, length - 1, :8].tolist() for row, length in enumerate(lengths)]}

    def train(self, lengths):
        inputs = self.batch(lengths)
        ids = inputs["input_ids"]
        labels = torch.full_like(ids, -100).view(-1)
        predicted = 3 * torch.arange(int(0.3 * ids.numel()), device=device)
        labels[predicted] = ids.view(-1)[predicted]

        def step():
            self.optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device, dtype=torch.bfloat16):
                loss = self.call(**inputs, labels=labels.view_as(ids)).loss
            loss.backward()
            self.optimizer.step()
            return loss

        ms, loss = milliseconds(step)
        return {"ms": ms, "loss": loss.item()}

    def attention(self, kind, lengths, heads, window, backward):
        calls = 20 if cuda else 1
        run = attentions[kind](lengths, heads, window, backward)
        for _ in range(3 if cuda else 1):
            run()
        return {"ms": milliseconds(run, calls)[0]}

    def product(self, size):
        a, b = (torch.randn(size, size, device=device).to(torch.bfloat16) for _ in range(2))
        for _ in range(3):
            a @ b
        ms, _ = milliseconds(lambda: a @ b, 20)
        return {"teraflops": 2 * size**3 / ms / 1e9}

    def memory(self):
        return {"gigabytes": torch.cuda.max_memory_allocated() / 1e9 if cuda else None}


def random(*shape):
    return torch.randn(*shape, device=device, dtype=torch.bfloat16, requires_grad=True)


def passes(inputs, attend, backward):
    if not backward:
        return torch.no_grad()(attend)
    gradient = torch.ones_like(attend())

    def run():
        for each in inputs:
            each.grad = None
        out = attend()
        out.backward(gradient if not out.is_nested else torch.ones_like(out))
        return out

    return run


def padded_sdpa(lengths, heads, window, backward):
    width = max(lengths)
    qkv = [random(len(lengths), heads, width, 64) for _ in range(3)]
    at = torch.arange(width, device=device)
    inside = at[None, :] < torch.tensor(lengths, device=device)[:, None]
    seen = inside[:, None, None, :]
    if window is not None:
        seen = seen & ((at[:, None] - at[None, :]).abs() <= window)[None, None]
    mask = None if window is None and inside.all() else seen
    return passes(qkv, lambda: F.scaled_dot_product_attention(*qkv, attn_mask=mask), backward)


def nested_sdpa(lengths, heads, window, backward):
    if window is not None:
        raise ValueError("nested tensors have no window")
    offsets = torch.tensor([0, *lengths], device=device).cumsum(0)
    values = [random(sum(lengths), heads * 64) for _ in range(3)]

    def attend():
        parts = [torch.nested.nested_tensor_from_jagged(v, offsets, max_seqlen=max(lengths)) for v in values]
        q, k, v = (part.unflatten(-1, [heads, 64]).transpose(1, 2) for part in parts)
        return F.scaled_dot_product_attention(q, k, v)

    return passes(values, attend, backward)


def flex(lengths, heads, window, backward):
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    tokens = sum(lengths)
    document = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths)).to(device)

    def seen(b, h, q, k):
        same = document[q] == document[k]
        return same if window is None else same & ((q - k).abs() <= window)

    mask = create_block_mask(seen, None, None, tokens, tokens, device=device)
    qkv = [random(1, heads, tokens, 64) for _ in range(3)]
    compiled = torch.compile(flex_attention) if cuda else flex_attention
    return passes(qkv, lambda: compiled(*qkv, block_mask=mask), backward)


attentions = {"sdpa": padded_sdpa, "nested": nested_sdpa, "flex": flex}


def main():
    peer = Peer()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(peer, request.pop("op"))(**request)
        except Exception as error:  # whatever torch says is an answer
            answer = {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"}
        print(json.dumps(answer), flush=True)


main()
