"""ModernBERT fixtures: inputs, parameters, outputs, loss and every gradient of small models, computed by transformers in f32 on the CPU."""

import json

import torch
from transformers import (
    ModernBertConfig,
    ModernBertForMaskedLM,
    ModernBertForMultipleChoice,
    ModernBertForQuestionAnswering,
    ModernBertForSequenceClassification,
    ModernBertForTokenClassification,
)

from common import CLS, MODERNBERT_FIXTURES, PAD, SEP, generator, mask_tokens, ragged_batch, redraw, require_finite, save_golden

SMALL = dict(
    vocab_size=32,
    hidden_size=32,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=2,
    local_attention=16,
    max_position_embeddings=256,
    pad_token_id=PAD,
    bos_token_id=CLS,
    cls_token_id=CLS,
    eos_token_id=SEP,
    sep_token_id=SEP,
)
VOCAB = SMALL["vocab_size"]
# Lengths around the half window of 8: alone, below it, the last one that sees all, the first that does not, the full window, above.
LENGTHS = [1, 5, 8, 9, 10, 17, 18, 30]
SHORT = [1, 9, 10, 20]


def build(name: str, kind: type, settings: dict):
    """A model of the class with freshly drawn parameters, dropout off."""
    model = kind(ModernBertConfig(**{**SMALL, **settings}, attn_implementation="eager")).eval()
    redraw(model, generator(f"{name}/parameters"))
    return model


def config_json(model) -> dict:
    """config.json as transformers itself writes it (the v5 form), plus the class name that save_pretrained adds."""
    return {"architectures": [type(model).__name__], **json.loads(model.config.to_json_string())}


def run(model, inputs: dict[str, torch.Tensor]) -> tuple[object, dict[str, torch.Tensor]]:
    """The model's output, and its hidden states seen from outside: 0 = after the embeddings' norm, i = after layer i-1, before final_norm."""
    states: dict[str, torch.Tensor] = {}

    def keep(key: str):
        return lambda _module, _inputs, output: states.__setitem__(key, output)

    hooks = [module.register_forward_hook(keep(f"hidden_states.{i}")) for i, module in enumerate([model.model.embeddings, *model.model.layers])]
    hooks.append(model.model.final_norm.register_forward_hook(keep("last_hidden_state")))
    output = model(**inputs)
    for hook in hooks:
        hook.remove()
    return output, states


def golden(model, inputs: dict[str, torch.Tensor], *, all_states: bool = False, loss=None) -> dict[str, torch.Tensor]:
    """Every tensor of a fixture. `loss` overrides transformers' own loss, given the output; it is what the gradients belong to."""
    model.zero_grad()
    output, states = run(model, inputs)
    total = output.loss if loss is None else loss(output)
    total.backward()

    mask = inputs["attention_mask"]
    mask = mask.view(-1, mask.shape[-1])
    outputs = {key: value for key, value in states.items() if all_states or key == "last_hidden_state"}
    outputs |= {key: output[key] for key in ("logits", "start_logits", "end_logits") if key in output}
    for key, value in outputs.items():
        if value.ndim == 3 or key in ("start_logits", "end_logits"):  # one row per position: what padding computes is nobody's business
            outputs[key] = value * mask.view(*mask.shape, *[1] * (value.ndim - 2))
    outputs["loss"] = total

    tensors = {f"input.{key}": value for key, value in inputs.items()}
    tensors |= {f"output.{key}": value for key, value in outputs.items()}
    for name, parameter in model.named_parameters():
        if parameter.grad is None or not parameter.grad.any():
            raise SystemExit(f"{type(model).__name__}: {name} has no gradient")
        tensors[f"param.{name}"] = parameter
        tensors[f"grad.{name}"] = parameter.grad
    return tensors


def check_padding_free(model, inputs: dict[str, torch.Tensor]) -> None:
    """Each sequence alone, without padding, must give what it gives in the batch: the fixture holds for a packed model too."""
    mask = inputs["attention_mask"].view(-1, inputs["attention_mask"].shape[-1])
    ids = inputs["input_ids"].view(mask.shape)
    with torch.no_grad():
        batch = model.model(ids, attention_mask=mask).last_hidden_state
        for row in range(len(ids)):
            real = mask[row].bool()
            alone = model.model(ids[row, real][None]).last_hidden_state[0]
            torch.testing.assert_close(batch[row, real], alone, rtol=2e-5, atol=2e-5)


def write(name: str, model, inputs: dict[str, torch.Tensor], *, configs: dict[str, dict] | None = None, **options) -> None:
    check_padding_free(model, inputs)
    tensors = golden(model, inputs, **options)
    require_finite(name, tensors)
    save_golden(MODERNBERT_FIXTURES / name, tensors, config=config_json(model), **(configs or {}))


def masked_lm_inputs(name: str, lengths: list[int], vocab: int) -> dict[str, torch.Tensor]:
    random = generator(f"{name}/inputs")
    batch = ragged_batch(lengths, vocab, random)
    return {**batch, "labels": mask_tokens(batch, random)}


def v4_form(config: ModernBertConfig) -> dict:
    """The same model in the flat keys of the published checkpoints; it must load to the same settings."""
    flat = json.loads(config.to_json_string())
    layer_types, rope = flat.pop("layer_types"), flat.pop("rope_parameters")
    flat |= {
        "architectures": ["ModernBertForMaskedLM"],
        "model_type": "modernbert",
        "global_attn_every_n_layers": 3,
        "global_rope_theta": rope["full_attention"]["rope_theta"],
        "local_rope_theta": rope["sliding_attention"]["rope_theta"],
        "layer_norm_eps": 1e-5,
        "position_embedding_type": "absolute",
        "torch_dtype": "float32",
        "transformers_version": "4.48.0",
    }
    flat.pop("dtype", None)
    read = ModernBertConfig.from_dict(flat)
    if read.layer_types != layer_types or read.rope_parameters != rope:
        raise SystemExit(f"the v4 form reads as {read.layer_types} {read.rope_parameters}")
    return flat


def make_masked_lm() -> None:
    """The main fixture, in both config generations, and the published window with sequences around it."""
    settings = dict(vocab_size=160, hidden_size=64, intermediate_size=96, num_hidden_layers=4, num_attention_heads=4)
    settings["rope_parameters"] = {
        "full_attention": {"rope_type": "default", "rope_theta": 20000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 500.0},
    }
    model = build("masked_lm", ModernBertForMaskedLM, settings)
    inputs = masked_lm_inputs("masked_lm", LENGTHS, 160)
    write("masked_lm", model, inputs, all_states=True, configs={"config_v4": v4_form(model.config)})

    settings = dict(hidden_size=128, intermediate_size=24, local_attention=128, sparse_prediction=True)
    model = build("window_128", ModernBertForMaskedLM, settings)
    write("window_128", model, masked_lm_inputs("window_128", [1, 63, 64, 65, 66, 129, 130, 200], VOCAB))


def make_variants() -> None:
    """One setting that a config can change per fixture; all are masked language models."""
    rope_linear = {
        "full_attention": {"rope_type": "linear", "rope_theta": 20000.0, "factor": 4.0},
        "sliding_attention": {"rope_type": "linear", "rope_theta": 500.0, "factor": 2.0},
    }
    biases = dict(attention_bias=True, mlp_bias=True, norm_bias=True, decoder_bias=True, classifier_bias=True)
    pattern = ["sliding_attention", "full_attention", "full_attention", "sliding_attention"]
    variants = {
        "biases": biases,
        "activation_silu": dict(hidden_activation="silu", classifier_activation="silu"),
        "activation_gelu_tanh": dict(hidden_activation="gelu_pytorch_tanh", classifier_activation="gelu_pytorch_tanh"),
        "activation_relu": dict(hidden_activation="relu", classifier_activation="relu"),
        "norm_eps": dict(norm_eps=0.05),
        "layer_pattern": dict(num_hidden_layers=4, layer_types=pattern),
        "rope_linear": dict(rope_parameters=rope_linear),
        "untied": dict(tie_word_embeddings=False, decoder_bias=False),
    }
    for name, settings in variants.items():
        write(name, build(name, ModernBertForMaskedLM, settings), masked_lm_inputs(name, SHORT, VOCAB))


def make_sequence_heads() -> None:
    def inputs(name: str, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {**ragged_batch(SHORT, VOCAB, generator(f"{name}/inputs")), "labels": labels}

    def sequence(name: str, labels: torch.Tensor, **settings) -> None:
        write(name, build(name, ModernBertForSequenceClassification, settings), inputs(name, labels))

    sequence("sequence_single_label", torch.tensor([2, 0, 1, 2]), num_labels=3, classifier_pooling="cls")
    many = torch.tensor([[1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 0]], dtype=torch.float32)
    sequence("sequence_multi_label", many, num_labels=4, classifier_pooling="mean", problem_type="multi_label_classification")
    values = torch.tensor([0.5, -1.25, 3.0, 0.125])
    sequence("sequence_regression", values, num_labels=1, classifier_pooling="mean", problem_type="regression")

    tokens = build("token_classification", ModernBertForTokenClassification, dict(num_labels=5, classifier_bias=True))
    batch = ragged_batch(SHORT, VOCAB, generator("token_classification/inputs"))
    random = generator("token_classification/labels")
    labels = torch.randint(0, 5, batch["input_ids"].shape, generator=random)
    ignored = (torch.rand(labels.shape, generator=random) < 0.25) | ~batch["attention_mask"].bool()
    write("token_classification", tokens, {**batch, "labels": labels.masked_fill(ignored, -100)})

    random = generator("multiple_choice/inputs")
    rows = ragged_batch([12, 1, 9, 10, 5, 12, 11, 3, 8, 12, 2, 7], VOCAB, random, left_padded=(2, 4))
    batch = {key: value.view(3, 4, 12) for key, value in rows.items()}
    choice = build("multiple_choice", ModernBertForMultipleChoice, dict(classifier_pooling="cls"))
    write("multiple_choice", choice, {**batch, "labels": torch.tensor([3, 0, 2])})


def masked_question_answering_loss(inputs: dict[str, torch.Tensor]):
    """transformers lets padding take part in the softmax over positions, which a model without padding cannot and should not do:
    here padding gets probability 0, and a position outside its own sequence is ignored, as each sequence alone would have it."""
    lengths = inputs["attention_mask"].sum(1)

    def one(logits: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        logits = logits.masked_fill(inputs["attention_mask"] == 0, -torch.inf)
        return torch.nn.functional.cross_entropy(logits, torch.where(positions < lengths, positions, -100), ignore_index=-100)

    return lambda output: (one(output.start_logits, inputs["start_positions"]) + one(output.end_logits, inputs["end_positions"])) / 2


def make_question_answering() -> None:
    def positions(starts: list[int], ends: list[int]) -> dict[str, torch.Tensor]:
        return {"start_positions": torch.tensor(starts), "end_positions": torch.tensor(ends)}

    even = ragged_batch([20, 20, 20, 20], VOCAB, generator("question_answering/inputs"))
    model = build("question_answering", ModernBertForQuestionAnswering, dict(num_labels=2))
    # Row 1 starts at 25 and row 3 ends at 20: both outside the 20 positions, hence ignored.
    write("question_answering", model, {**even, **positions([3, 25, 0, 12], [7, 19, 0, 20])})

    ragged = {**ragged_batch(SHORT, VOCAB, generator("question_answering_ragged/inputs")), **positions([0, 2, 9, 12], [0, 8, 11, 19])}
    model = build("question_answering_ragged", ModernBertForQuestionAnswering, dict(num_labels=2))
    write("question_answering_ragged", model, ragged, loss=masked_question_answering_loss(ragged))


def make() -> None:
    make_masked_lm()
    make_variants()
    make_sequence_heads()
    make_question_answering()
