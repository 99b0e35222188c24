"""One small model folder, files that sentence-transformers reads beside it, and the vectors that it gives."""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.models import Normalize, Pooling, Transformer
from sentence_transformers.sentence_transformer.modules.layer_norm import LayerNorm
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import ModernBertConfig, ModernBertModel

from common import PIPELINES_FIXTURES, generator, redraw

SPECIALS = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
TOKENIZER_CONFIG = {"tokenizer_class": "PreTrainedTokenizerFast"} | {f"{name[1:-1].lower()}_token": name for name in SPECIALS}

SHORT = "the cat sat on the mat"
TEXTS = [SHORT, "The CAT"]
LONG = "a dog ran up to a red mat."  # 25 tokens


def modules(*paths: tuple[str, str]) -> list[dict]:
    listed = [("Transformer", ""), *paths]
    return [{"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"} for at, (kind, path) in enumerate(listed)]


def dense(inputs: int, outputs: int, activation: str, **more: object) -> dict:
    return {"in_features": inputs, "out_features": outputs, "bias": True, "activation_function": f"torch.nn.modules.{activation}"} | more


POOLED = modules(("Pooling", "1_Pooling"))
NORMALIZED = modules(("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"))
OLD_MEAN = {"word_embedding_dimension": 32, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
OLD_CLS = {"word_embedding_dimension": 32, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
PROMPTS = {"prompts": {"query": "on the mat: ", "document": "a cat: "}, "default_prompt_name": "query"}


def pooling(mode: str | list[str], **more: object) -> dict:
    return {"embedding_dimension": 32, "pooling_mode": mode, "include_prompt": True} | more


def folder(**files: object) -> dict:
    """A folder with mean pooling in the old form, and more files: `a__b` is a/b.json."""
    return {"modules.json": POOLED, "1_Pooling/config.json": OLD_MEAN} | {f"{name.replace('__', '/')}.json": value for name, value in files.items()}


def behind(*steps: tuple[str, dict], mode: str | list[str] = "mean") -> dict:
    """A folder whose pooling is followed by modules: Dense and LayerNorm with drawn weights, Normalize."""
    paths = [(kind, f"{at + 2}_{kind}") for at, (kind, _) in enumerate(steps)]
    configs = {f"{path}/config.json": config for (_, path), (_, config) in zip(paths, steps)}
    return {"modules.json": modules(("Pooling", "1_Pooling"), *paths), "1_Pooling/config.json": pooling(mode)} | configs


def weights_of(kind: str, config: dict, name: str) -> dict[str, torch.Tensor]:
    """Drawn with few digits, so that they are short as JSON and exact in f32."""
    random = generator(f"pipelines/sentence_transformers/{name}")
    if kind == "LayerNorm":
        shapes = {"norm.weight": [config["dimension"]], "norm.bias": [config["dimension"]]}
    else:
        inputs, outputs = config["in_features"], config["out_features"]
        shapes = {"linear.weight": [outputs, inputs]} | ({"linear.bias": [outputs]} if config["bias"] else {})
        if config.get("use_residual") and inputs != outputs:
            shapes["residual.weight"] = [outputs, inputs]
    return {name: torch.round(torch.randn(shape, generator=random) * 8) / 16 for name, shape in shapes.items()}


MODES = ["max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
FLAGS = {"word_embedding_dimension": 32, "pooling_mode_lasttoken": True, "pooling_mode_max_tokens": True, "pooling_mode_cls_token": True}
LINEAR, GELU, TANH = "linear.Identity", "activation.GELU", "activation.Tanh"
PLAIN_PROMPTS = {"prompts": {"query": "on the mat: "}}

# Name, files over those of the base folder, texts, prompt by name.
VARIANTS: list[tuple[str, dict, list[str], str | None]] = [
    ("no modules.json", {}, TEXTS, None),
    ("flags, mean", folder(), TEXTS, None),
    ("flags, cls", folder(**{"1_Pooling__config": OLD_CLS}), TEXTS, None),
    ("mode mean", folder(**{"1_Pooling__config": pooling("mean")}), TEXTS, None),
    ("mode cls", folder(**{"1_Pooling__config": pooling("cls")}), TEXTS, None),
    ("list of one mode", folder(**{"1_Pooling__config": pooling(["mean"])}), TEXTS, None),
    ("pooling at another path", {"modules.json": modules(("Pooling", "pool")), "pool/config.json": OLD_MEAN}, TEXTS, None),
    ("max_seq_length", folder(sentence_bert_config={"max_seq_length": 4}), [SHORT], None),
    ("model_max_length", folder(tokenizer_config=TOKENIZER_CONFIG | {"model_max_length": 10}), [LONG], None),
    ("default prompt", folder(config_sentence_transformers=PROMPTS), TEXTS, None),
    ("prompt by name", folder(config_sentence_transformers=PROMPTS), TEXTS, "document"),
    ("do_lower_case", folder(sentence_bert_config={"do_lower_case": True}), TEXTS, None),
    ("do_lower_case and a prompt", folder(sentence_bert_config={"do_lower_case": True}, config_sentence_transformers={"prompts": {"up": "On THE Mat: "}}), TEXTS, "up"),
    ("Normalize", folder(modules=NORMALIZED), TEXTS, None),
    ("Normalize and truncate_dim", folder(modules=NORMALIZED, config_sentence_transformers={"truncate_dim": 8}), TEXTS, None),
    ("spaces around", folder(), ["  the cat\n"], None),
    ("include_prompt false, no prompt", folder(**{"1_Pooling__config": pooling("mean", include_prompt=False)}), TEXTS, None),
    *((f"mode {mode}", folder(**{"1_Pooling__config": pooling(mode)}), TEXTS, None) for mode in MODES),
    ("modes in the order of the list", folder(**{"1_Pooling__config": pooling(["mean", "cls"])}), [SHORT], None),
    ("several flags", folder(**{"1_Pooling__config": FLAGS}), [SHORT], None),
    *(
        (f"prompt left out of {mode}", folder(**{"1_Pooling__config": pooling(mode, include_prompt=False)}, config_sentence_transformers=PLAIN_PROMPTS), [SHORT], "query")
        for mode in ("cls", "mean", "max", "weightedmean")
    ),
    ("Dense with Tanh, which is the default", behind(("Dense", {"in_features": 32, "out_features": 6, "bias": True})), TEXTS, None),
    ("Dense with GELU, LayerNorm", behind(("Dense", dense(32, 6, GELU, module_input_name="sentence_embedding")), ("LayerNorm", {"dimension": 6})), TEXTS, None),
    ("Dense without bias, Normalize", behind(("Dense", dense(32, 6, LINEAR, bias=False)), ("Normalize", {})), TEXTS, None),
    ("Dense with a projected residual", behind(("Dense", dense(32, 6, TANH, use_residual=True))), TEXTS, None),
    ("Dense with a plain residual", behind(("Normalize", {}), ("Dense", dense(32, 32, "activation.SiLU", use_residual=True))), [SHORT], None),
    ("Dense of two modes, truncate_dim", behind(("Dense", dense(64, 8, "activation.ReLU")), mode=["cls", "max"]) | {"config_sentence_transformers.json": {"truncate_dim": 4}}, TEXTS, None),
    ("LayerNorm alone", behind(("LayerNorm", {"dimension": 32})), [SHORT], None),
]


def make() -> None:
    target = PIPELINES_FIXTURES / "sentence_transformers"
    base = target / "base"
    shutil.rmtree(target, ignore_errors=True)
    save_base(base)
    saved = ("as it is saved", saved_files(base), [*TEXTS, LONG], None)
    variants = [
        {"name": name, "files": files, "texts": texts, **({"promptName": prompt} if prompt else {}), **written_weights(files), "vectors": vectors_of(base, files, texts, prompt)}
        for name, files, texts, prompt in [*VARIANTS, saved]
    ]
    lines = ",\n".join(json.dumps(variant) for variant in variants)
    make_cross_encoders(base)
    (target / "variants.json").write_text(f"[\n{lines}\n]\n")


QUERY = "where is the cat"
DOCUMENTS = ["a dog ran", "the cat sat on the mat", SHORT * 6, "The CAT"]


def make_cross_encoders(base: Path) -> None:
    """Cross-encoders made of modules, as sentence-transformers saves them: one score, with the activations of their own; three scores."""
    (base.parent / "cross_encoders.json").write_text(json.dumps({"query": QUERY, "documents": DOCUMENTS, "models": [
        cross_encoder(base, "ettin-reranker", ("cls", 1, torch.nn.GELU(), True), None),
        cross_encoder(base, "mean, Identity, a default prompt", ("mean", 1, torch.nn.Tanh(), False), torch.nn.Identity(), **PROMPTS),
        cross_encoder(base, "three labels", (["cls", "max"], 3, torch.nn.GELU(), True), None),
    ]}) + "\n")


def cross_encoder(base: Path, name: str, head: tuple, activation: torch.nn.Module | None, **prompts: object) -> dict:
    mode, outputs, inner, normed = head
    widths = 32 * (2 if isinstance(mode, list) else 1)
    modules = [Pooling(32, mode), Dense(widths, 8, bias=not normed, activation_function=inner), *([LayerNorm(8)] if normed else []), Dense(8, outputs, activation_function=torch.nn.Identity(), module_output_name="scores")]
    random = generator(f"pipelines/cross_encoders/{name}")
    for module in modules:
        for parameter in module.parameters():
            parameter.data = torch.round(torch.randn(parameter.shape, generator=random) * 8) / 16
    transformer = Transformer(str(base), model_kwargs={"attn_implementation": "eager"})
    model = CrossEncoder(modules=[transformer, *modules], device="cpu", **({"activation_fn": activation} if activation else {}), **prompts)
    model.max_length = 40
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        found = sorted(Path(temporary).rglob("*"))
        files = {str(path.relative_to(temporary)): json.loads(path.read_text()) for path in found if path.suffix == ".json" and path.name != "tokenizer.json"}
        weights = {str(path.parent.relative_to(temporary)): {key: tensor.tolist() for key, tensor in load_file(path).items()} for path in found if path.name == "model.safetensors" and path.parent != Path(temporary)}
        model = CrossEncoder(temporary, device="cpu", model_kwargs={"attn_implementation": "eager"})
        pairs = [(QUERY, text) for text in DOCUMENTS]
        logits = model.predict(pairs, activation_fn=torch.nn.Identity(), batch_size=1)
        ranked = [[at["corpus_id"], float(at["score"])] for at in model.rank(QUERY, DOCUMENTS, batch_size=1)] if outputs == 1 else None
    return {"name": name, "files": files, "weights": weights, "logits": [float(value) for value in logits.reshape(-1)], "ranked": ranked}


def save_base(base: Path) -> None:
    model = ModernBertModel(
        ModernBertConfig(
            vocab_size=300, hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=2, local_attention=8,
            pad_token_id=3, bos_token_id=1, cls_token_id=1, eos_token_id=2, sep_token_id=2, max_position_embeddings=128,
        )
    )
    redraw(model, generator("pipelines/sentence_transformers"))
    model.save_pretrained(base)
    save_tokenizer(base)


def save_tokenizer(base: Path, more: list[str] | None = None) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=275, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([SHORT] * 3, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    tokenizer.add_special_tokens(more or [])
    tokenizer.save(str(base / "tokenizer.json"), pretty=False)
    (base / "tokenizer_config.json").write_text(json.dumps(TOKENIZER_CONFIG) + "\n")


def saved_files(base: Path) -> dict:
    """What sentence-transformers itself writes beside a model that uses most of it; JSON files by path."""
    transformer = Transformer(str(base))
    model = SentenceTransformer(modules=[transformer, Pooling(32, "cls"), Normalize()], prompts=PROMPTS["prompts"], default_prompt_name="query", device="cpu")
    model.max_seq_length = 10
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary, create_model_card=False)
        paths = sorted(path.relative_to(temporary) for path in Path(temporary).rglob("*.json"))
        return {str(path): json.loads((Path(temporary) / path).read_text()) for path in paths if str(path) not in ("config.json", "tokenizer.json")}


def step_weights(files: dict) -> dict[str, dict[str, torch.Tensor]]:
    """Of each Dense and LayerNorm, by its path."""
    return {
        path: weights_of(path.split("_")[1], files[f"{path}/config.json"], path)
        for path in (name.split("/")[0] for name in files)
        if path.endswith(("_Dense", "_LayerNorm"))
    }


def written_weights(files: dict) -> dict:
    weights = {path: {name: tensor.tolist() for name, tensor in tensors.items()} for path, tensors in step_weights(files).items()}
    return {"weights": weights} if weights else {}


def vectors_of(base: Path, files: dict, texts: list[str], prompt: str | None) -> list[list[float]]:
    with tempfile.TemporaryDirectory() as temporary:
        variant = Path(temporary) / "model"
        shutil.copytree(base, variant)
        for path, content in files.items():
            (variant / path).parent.mkdir(parents=True, exist_ok=True)
            (variant / path).write_text(json.dumps(content))
        (variant / "2_Normalize").mkdir(exist_ok=True)
        for path, tensors in step_weights(files).items():
            save_file(tensors, variant / path / "model.safetensors")
        model = SentenceTransformer(str(variant), device="cpu", model_kwargs={"attn_implementation": "eager"})
        vectors = model.encode(texts, prompt_name=prompt, batch_size=1)
    return [[float(f"{value:.9g}") for value in vector] for vector in vectors]
