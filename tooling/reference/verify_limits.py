"""How far torch in 16 and 32 bits is from f64 on a model folder, in the measures of `modernbert verify`: what its limits are set by.

    python verify_limits.py FOLDER TEXTS.json
"""

import json
import sys

import torch
import transformers

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def outputs(model: torch.nn.Module, ids: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states [T, d] and logits [rows, labels] of one text, in f64."""
    with torch.no_grad():
        found = model(torch.tensor([ids]), output_hidden_states=True)
    logits = torch.stack([found.start_logits[0], found.end_logits[0]]) if "start_logits" in found else found.logits[0]
    return found.hidden_states[-1][0].double(), logits.double().reshape(-1, logits.shape[-1])


def labels(logits: torch.Tensor) -> torch.Tensor:
    return logits.argmax(-1) if logits.shape[-1] > 1 else logits[:, 0] > 0


def main(folder: str, texts: list[str]) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    name = transformers.AutoConfig.from_pretrained(folder).architectures[0]
    load = lambda dtype: getattr(transformers, name).from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()
    ids = [tokenizer(text)["input_ids"] for text in texts]
    reference = load(torch.float64)
    wanted = [outputs(reference, each) for each in ids]
    del reference
    for dtype, kind in DTYPES.items():
        model = load(kind)
        error, cosine, difference, rows, same = 0.0, 1.0, 0.0, 0, 0
        for each, (states, logits) in zip(ids, wanted):
            got, got_logits = outputs(model, each)
            error = max(error, float((got - states).abs().max() / states.abs().max()))
            cosine = min(cosine, float(torch.cosine_similarity(got.mean(0), states.mean(0), 0)))
            difference = max(difference, float((got_logits - logits).abs().max()))
            rows += len(logits)
            same += int((labels(got_logits) == labels(logits)).sum())
        spread = float(torch.cat([logits.flatten() for _, logits in wanted]).std())
        print(f"{dtype:5} error {error:.2e}  1-cosine {1 - cosine:.1e}  logits {difference:.2e} (of a spread of {spread:.2g})  agreement {same}/{rows}")


if __name__ == "__main__":
    main(sys.argv[1], json.load(open(sys.argv[2])))
