"""BERT fixtures: inputs with token types, parameters, outputs, loss and every gradient of small models, computed by transformers in f32 on the CPU."""

import json

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForMultipleChoice,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
)

from common import BERT_FIXTURES, PAD, generator, mask_tokens, ragged_batch, redraw, require_finite, save_golden
from model_fixtures import SHORT, masked_question_answering_loss

SMALL = dict(
    vocab_size=32,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    max_position_embeddings=24,
    pad_token_id=PAD,
)
VOCAB = SMALL["vocab_size"]


def build(name: str, kind: type, settings: dict | None = None):
    model = kind(BertConfig(**{**SMALL, **(settings or {})}, attn_implementation="eager")).eval()
    redraw(model, generator(f"bert/{name}/parameters"))
    return model


def inputs_of(name: str, lengths: list[int] = SHORT) -> dict[str, torch.Tensor]:
    """Ragged pairs: the second half of each text is of type 1."""
    batch = ragged_batch(lengths, VOCAB, generator(f"bert/{name}/inputs"))
    places = torch.arange(batch["input_ids"].shape[1])[None]
    types = (places >= (torch.tensor(lengths)[:, None] + 1) // 2).long() * batch["attention_mask"]
    return {**batch, "token_type_ids": types}


def write(name: str, model, inputs: dict[str, torch.Tensor], loss=None) -> None:
    output = model(**inputs, output_hidden_states=True)
    total = output.loss if loss is None else loss(output)
    total.backward()
    mask = inputs["attention_mask"].view(-1, inputs["attention_mask"].shape[-1])
    outputs = {f"hidden_states.{at}": state for at, state in enumerate(output.hidden_states)}
    outputs["last_hidden_state"] = output.hidden_states[-1]
    keys = ("logits", "start_logits", "end_logits", "prediction_logits", "seq_relationship_logits")
    outputs |= {key: output[key] for key in keys if key in output}
    for key, value in outputs.items():
        if value.ndim == 3 or key in ("start_logits", "end_logits"):
            outputs[key] = value * mask.view(*mask.shape, *[1] * (value.ndim - 2))
    outputs["loss"] = total
    tensors = {f"input.{key}": value for key, value in inputs.items()} | {f"output.{key}": value for key, value in outputs.items()}
    for key, parameter in model.named_parameters():
        if key.startswith("bert.pooler.") and parameter.grad is None:
            continue  # there, but nothing of this head is computed from it
        if parameter.grad is None:
            raise SystemExit(f"{name}: {key} has no gradient")
        tensors[f"param.{key}"] = parameter
        tensors[f"grad.{key}"] = parameter.grad
    require_finite(name, tensors)
    config = {"architectures": [type(model).__name__], **json.loads(model.config.to_json_string())}
    save_golden(BERT_FIXTURES / name, tensors, config=config)


def labelled(name: str, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    return {**inputs_of(name), "labels": labels}


def make() -> None:
    for name, settings in {"masked_lm": {}, "activation_relu": dict(hidden_act="relu", layer_norm_eps=1e-3)}.items():
        batch = inputs_of(name)
        write(name, build(name, BertForMaskedLM, settings), {**batch, "labels": mask_tokens(batch, generator(f"bert/{name}/masks"))})
    batch = inputs_of("pretraining")
    labels = mask_tokens(batch, generator("bert/pretraining/masks"))
    write("pretraining", build("pretraining", BertForPreTraining), {**batch, "labels": labels, "next_sentence_label": torch.tensor([0, 1, 1, 0])})
    write("next_sentence", build("next_sentence", BertForNextSentencePrediction), labelled("next_sentence", torch.tensor([1, 0, 0, 1])))
    write("sequence", build("sequence", BertForSequenceClassification, dict(num_labels=3)), labelled("sequence", torch.tensor([2, 0, 1, 2])))
    values = torch.tensor([0.25, -0.5, 0.75, 0.125])  # small: a key bias has no gradient, and its rounding must stay that of terms below 1
    regression = dict(num_labels=1, problem_type="regression")
    write("sequence_regression", build("sequence_regression", BertForSequenceClassification, regression), labelled("sequence_regression", values))

    batch = inputs_of("token_classification")
    random = generator("bert/token_classification/labels")
    labels = torch.randint(0, 5, batch["input_ids"].shape, generator=random).masked_fill(~batch["attention_mask"].bool(), -100)
    write("token_classification", build("token_classification", BertForTokenClassification, dict(num_labels=5)), {**batch, "labels": labels})

    spans = {"start_positions": torch.tensor([0, 2, 9, 12]), "end_positions": torch.tensor([0, 8, 9, 19])}
    batch = {**inputs_of("question_answering"), **spans}
    write("question_answering", build("question_answering", BertForQuestionAnswering), batch, loss=masked_question_answering_loss(batch))

    rows = inputs_of("multiple_choice", [12, 1, 9, 10, 5, 12])
    batch = {key: value.view(2, 3, 12) for key, value in rows.items()}
    write("multiple_choice", build("multiple_choice", BertForMultipleChoice), {**batch, "labels": torch.tensor([2, 0])})
