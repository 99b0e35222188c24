"""LoRA as PEFT does it: a base model, adapters as PEFT saves them, what they answer, every gradient, and some steps of AdamW, computed in f64."""

import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import ModernBertForSequenceClassification

from common import TRAINING_FIXTURES, generator, ragged_batch, require_finite, save_golden
from model_fixtures import VOCAB, build

STEPS, LEARNING_RATE, BETAS, EPS, WEIGHT_DECAY = 6, 0.01, (0.9, 0.98), 1e-6, 0.05
LENGTHS = [5, 9, 17, 12, 3, 20]
FOLDER = TRAINING_FIXTURES / "lora"
PLAIN = dict(r=4, lora_alpha=6, target_modules=["Wqkv", "Wo", "Wi"], modules_to_save=["head", "classifier"], task_type="SEQ_CLS")
# Everything of PEFT that is folded: other ranks and factors by pattern, alpha / sqrt(rank), a classifier alone.
PATTERNS = dict(
    r=2,
    lora_alpha=3,
    use_rslora=True,
    target_modules=["layers.1.mlp.Wi", "attn.Wqkv"],
    rank_pattern={"layers.1.mlp.Wi": 5},
    alpha_pattern={"mlp.Wi": 7},
    lora_dropout=0.1,
    task_type="SEQ_CLS",
)


def base_model() -> torch.nn.Module:
    return build("lora", ModernBertForSequenceClassification, dict(num_labels=3, problem_type="single_label_classification", classifier_pooling="mean"))


def adapted(name: str, settings: dict, fresh: bool = False) -> torch.nn.Module:
    """Beside a new base, with adapters drawn anew, B among them, or as they begin."""
    model = get_peft_model(base_model(), LoraConfig(**settings)).eval()
    random = generator(f"lora/{name}")
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if parameter.requires_grad and not (fresh and "lora_B" in key):
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=random))
    return model


def saved_name(name: str) -> str:
    return name.replace(".default", "").replace("modules_to_save.", "")


def save(model: torch.nn.Module, folder: Path) -> None:
    model.peft_config["default"].base_model_name_or_path = "base"
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    # PEFT writes several entries of metadata, in an order that differs from run to run, and sets of names in any order.
    weights = folder / "adapter_model.safetensors"
    save_file(load_file(weights), weights, {"format": "pt"})
    config = json.loads((folder / "adapter_config.json").read_text())
    config["target_modules"].sort()
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def answer(model: torch.nn.Module, inputs: dict) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and mean loss, each text alone: in f64 transformers makes NaN of padding that no window reaches."""
    ids, mask = inputs["input_ids"], inputs["attention_mask"].bool()
    logits = torch.cat([model(input_ids=row[real][None]).logits for row, real in zip(ids, mask)])
    return logits, torch.nn.functional.cross_entropy(logits, inputs["labels"])


def train(model: torch.nn.Module, inputs: dict) -> tuple[list[float], dict[str, torch.Tensor]]:
    learned = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    groups = [
        dict(params=[p for p in learned.values() if p.ndim > 1], weight_decay=WEIGHT_DECAY),
        dict(params=[p for p in learned.values() if p.ndim == 1], weight_decay=0.0),
    ]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=BETAS, eps=EPS)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        _, loss = answer(model, inputs)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, {saved_name(name): parameter.detach() for name, parameter in learned.items()}


def make() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    base = base_model()
    base.save_pretrained(FOLDER / "base")
    random = generator("lora/inputs")
    inputs = ragged_batch(LENGTHS, VOCAB, random)
    inputs["labels"] = torch.randint(0, 3, (len(LENGTHS),), generator=random)
    tensors = {f"input.{key}": value for key, value in inputs.items()}
    with torch.no_grad():
        tensors["base.logits"] = answer(base.double(), inputs)[0]
    for name, settings in (("plain", PLAIN), ("patterns", PATTERNS)):
        model = adapted(name, settings)
        save(model, FOLDER / name)
        logits, loss = answer(model.double(), inputs)
        loss.backward()
        tensors |= {f"{name}.logits": logits, f"{name}.loss": loss}
        tensors |= {f"{name}.grad.{saved_name(key)}": p.grad for key, p in model.named_parameters() if p.requires_grad}
    fresh = adapted("fresh", PLAIN, fresh=True).double()
    tensors |= {f"start.{saved_name(key)}": p.detach().clone() for key, p in fresh.named_parameters() if p.requires_grad}
    losses, ended = train(fresh, inputs)
    tensors["losses"] = torch.tensor(losses)
    tensors |= {f"end.{key}": value for key, value in ended.items()}
    require_finite("lora", tensors)
    tensors = {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}
    training = dict(steps=STEPS, learning_rate=LEARNING_RATE, betas=list(BETAS), eps=EPS, weight_decay=WEIGHT_DECAY)
    save_golden(FOLDER, tensors, training=training)
