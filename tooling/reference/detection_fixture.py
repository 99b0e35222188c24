"""One step of replaced-token detection in torch, with given sampled tokens, for packages/training/test/replaced-token-detection.test.ts."""

import json
import math

import torch
from torch.func import functional_call
from transformers import ModernBertConfig, ModernBertForMaskedLM, ModernBertForTokenClassification

from common import TRAINING_FIXTURES

IDS = [[0, 5, 3, 7, 3, 9, 1], [0, 3, 8, 8, 1]]
LABELS = [[-100, -100, 6, -100, 10, -100, -100], [-100, 12, -100, -100, -100]]
SAMPLED = [11, 10, 4]
SPECIAL = {0, 1, 2, 3}
EMBEDDING = "model.embeddings.tok_embeddings.weight"


def config(layers: int) -> ModernBertConfig:
    return ModernBertConfig(
        vocab_size=16, hidden_size=32, num_attention_heads=2, intermediate_size=32, num_hidden_layers=layers, pad_token_id=2,
        bos_token_id=0, cls_token_id=0, eos_token_id=1, sep_token_id=1, num_labels=2, attn_implementation="eager",
    )


def values(name: str, shape: torch.Size) -> torch.Tensor:
    start = sum(ord(letter) for letter in name)
    numbers = [math.sin(start + 0.7 * at) * 0.3 + ("norm" in name) for at in range(shape.numel())]
    return torch.tensor(numbers, dtype=torch.float32).reshape(shape).requires_grad_()


def case(kind: str) -> dict:
    model = ModernBertForTokenClassification(config(2)).eval()
    generator = ModernBertForMaskedLM(config(2 if kind == "trunk" else 1)).eval()
    learned = {name: values(name, tensor.shape) for name, tensor in model.named_parameters()}
    of_model, of_generator = dict(learned), {}
    for name, tensor in generator.named_parameters():
        common = kind == "trunk" and name in learned or kind == "shared" and name == EMBEDDING
        label = name if common or kind == "trunk" else f"generator.{name}"
        if not common:
            learned[label] = values(label, tensor.shape)
        of_generator[name] = learned[label]
    of_generator["decoder.weight"] = of_generator[EMBEDDING]
    if kind == "disentangled":
        del learned[EMBEDDING]
        difference = learned["generator.embedding_difference"] = values("generator.embedding_difference", torch.Size([16, 32]))
        of_model[EMBEDDING] = learned[f"generator.{EMBEDDING}"].detach() + difference

    guessing = detecting = torch.zeros(())
    right = found = count = masked = 0
    sampled = iter(SAMPLED)
    for ids, labels in zip(IDS, LABELS):
        logits = functional_call(generator, of_generator, kwargs={"input_ids": torch.tensor([ids])}, tie_weights=False).logits[0]
        wanted = torch.tensor(labels)
        guessing = guessing + torch.nn.functional.cross_entropy(logits, wanted, reduction="sum")
        right += int(((logits.argmax(-1) == wanted) & (wanted >= 0)).sum())
        masked += int((wanted >= 0).sum())
        read = [next(sampled) if label >= 0 else token for token, label in zip(ids, labels)]
        truth = [label if label >= 0 else token for token, label in zip(ids, labels)]
        replaced = torch.tensor([-100 if token in SPECIAL else int(token != given) for token, given in zip(truth, read)])
        said = functional_call(model, of_model, kwargs={"input_ids": torch.tensor([read])}).logits[0]
        detecting = detecting + torch.nn.functional.cross_entropy(said, replaced, reduction="sum")
        found += int(((said.argmax(-1) == replaced) & (replaced >= 0)).sum())
        count += int((replaced >= 0).sum())
    guessing = guessing * (count / masked)
    loss = guessing + 50 * detecting
    loss.backward()
    sums = [loss, guessing, right * count / masked, detecting, found]
    sample = lambda tensor: [float(f"{each:.7g}") for each in tensor.flatten()[:: max(1, tensor.numel() // 24)][:24].tolist()]
    return {
        "sums": [float(torch.as_tensor(each).detach()) for each in sums],
        "gradients": {name: sample(tensor.grad) for name, tensor in learned.items()},
    }


def make() -> None:
    borders = [0, len(IDS[0]), len(IDS[0]) + len(IDS[1])]
    fixture = {
        "row": {"ids": sum(IDS, []), "labels": sum(LABELS, []), "cuSeqlens": borders},
        "sampled": SAMPLED,
        "cases": {kind: case(kind) for kind in ("disentangled", "shared", "separate", "trunk")},
    }
    path = TRAINING_FIXTURES / "replaced-token-detection.json"
    path.write_text(json.dumps(fixture) + "\n")


if __name__ == "__main__":
    make()
