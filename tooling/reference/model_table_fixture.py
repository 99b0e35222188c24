"""Layouts of published models, each as a tiny folder with numbers of a formula for weights, and what the reference answers; layouts that are refused."""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file
from sentence_transformers import CrossEncoder, MultiVectorEncoder, SentenceTransformer, SparseEncoder
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, pipeline

from common import PIPELINES_FIXTURES, ROOT

TARGET = PIPELINES_FIXTURES / "model_table"
TEXTS = ["the cat sat on the mat", "A dog ran, 12 km!"]
PAIRS = [("where is the cat", "the cat sat on the mat"), ("where is the cat", "a dog ran")]
MASKED = ["the cat [MASK] on the mat"]
CORPUS = TEXTS * 3 + ["the red mat, a dog (ran) up"]
SPECIALS = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
ROLES = {f"{name[1:-1].lower()}_token": name for name in SPECIALS}


# ---- weights by formula

def values(name: str, size: int) -> np.ndarray:
    """Multiples of 1/64 between -1/2 and 1/2, of the tensor's name and the place: the same in any language, exact in 16 bits."""
    h = np.uint32(2166136261)
    with np.errstate(over="ignore"):
        for byte in name.encode():
            h = (h ^ np.uint32(byte)) * np.uint32(16777619)
        x = (np.arange(1, size + 1, dtype=np.uint32) * np.uint32(0x9E3779B1)) ^ h
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        x = x ^ (x >> np.uint32(16))
    return (x >> np.uint32(26)).astype(np.float32) / 64 - 0.5


def is_norm(name: str) -> bool:
    return name.endswith(("norm.weight", "LayerNorm.weight", "LayerNorm.gamma")) or name.split(".")[-2:] == ["0", "weight"] and "scorer" in name


def tensor_of(name: str, shape: list[int], dtype: torch.dtype) -> torch.Tensor:
    numbers = values(name, int(np.prod(shape)))
    return torch.from_numpy((1 + numbers / 2 if is_norm(name) else numbers).reshape(shape)).to(dtype)


# ---- tokenizers

def byte_level(kind: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    if kind == "qwen":  # words by a pattern of its own, digits one by one, no [CLS]
        pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=280, special_tokens=SPECIALS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def word_piece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=60, special_tokens=SPECIALS, show_progress=False))
    vocab = tokenizer.get_vocab()
    letters = sorted(token for token in vocab if token.startswith("##") and len(token) == 3)  # the trainer's own order is another on each run
    vocab |= dict(zip(letters, sorted(vocab[token] for token in letters)))
    tokenizer.model = models.WordPiece(vocab, unk_token="[UNK]")
    return tokenizer


def save_tokenizers() -> None:
    for name, tokenizer in (("bytes", byte_level("gpt")), ("qwen", byte_level("qwen")), ("words", word_piece())):
        pair = "[CLS] $A [SEP] $B:1 [SEP]:1" if name == "words" else "[CLS] $A [SEP] $B [SEP]"
        tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair=pair, special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
        if name == "bytes":
            tokenizer.add_special_tokens(["[Q] ", "[D] "])
        tokenizer.save(str(TARGET / f"{name}.json"), pretty=False)


# ---- configs, with the keys of the published files

IDS = {"bos_token_id": 1, "cls_token_id": 1, "eos_token_id": 2, "sep_token_id": 2, "pad_token_id": 3}
FLAT = {
    "attention_bias": False, "attention_dropout": 0.0, **IDS, "classifier_activation": "gelu", "classifier_bias": False, "classifier_dropout": 0.0,
    "classifier_pooling": "mean", "decoder_bias": True, "deterministic_flash_attn": False, "embedding_dropout": 0.0, "global_attn_every_n_layers": 3,
    "global_rope_theta": 160000.0, "gradient_checkpointing": False, "hidden_activation": "gelu", "hidden_size": 16, "initializer_cutoff_factor": 2.0,
    "initializer_range": 0.02, "intermediate_size": 24, "layer_norm_eps": 1e-05, "local_attention": 8, "local_rope_theta": 10000.0,
    "max_position_embeddings": 96, "mlp_bias": False, "mlp_dropout": 0.0, "model_type": "modernbert", "norm_bias": False, "norm_eps": 1e-05,
    "num_attention_heads": 2, "num_hidden_layers": 4, "position_embedding_type": "absolute", "reference_compile": None, "repad_logits_with_grad": False,
    "tie_word_embeddings": True, "torch_dtype": "float32", "transformers_version": "4.48.0", "vocab_size": 288,
}
V5 = {key: value for key, value in FLAT.items() if key not in ("global_attn_every_n_layers", "global_rope_theta", "local_rope_theta", "layer_norm_eps", "gradient_checkpointing", "position_embedding_type", "repad_logits_with_grad", "torch_dtype", "reference_compile")} | {
    "dtype": "float32", "transformers_version": "5.0.0", "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"],
    "rope_parameters": {"full_attention": {"rope_theta": 160000.0, "rope_type": "default"}, "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"}},
}
BERT = {
    "attention_probs_dropout_prob": 0.1, "classifier_dropout": None, "gradient_checkpointing": False, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 16,
    "initializer_range": 0.02, "intermediate_size": 24, "layer_norm_eps": 1e-12, "max_position_embeddings": 64, "model_type": "bert", "num_attention_heads": 2,
    "num_hidden_layers": 2, "pad_token_id": 3, "position_embedding_type": "absolute", "type_vocab_size": 2, "use_cache": True, "vocab_size": 64,
}


def labelled(*names: str) -> dict:
    return {"id2label": {str(at): name for at, name in enumerate(names)}, "label2id": {name: at for at, name in enumerate(names)}}


def with_class(name: str, config: dict, **more: object) -> dict:
    return {"config.json": config | {"architectures": [name]} | more}


# ---- files of sentence-transformers

def modules(*kinds: str, first: str = "models.Transformer", package: str = "sentence_transformers.models") -> dict:
    listed = [("", f"sentence_transformers.{first}"), *((f"{at + 1}_{kind}", f"{package}.{kind}") for at, kind in enumerate(kinds))]
    return {"modules.json": [{"idx": at, "name": str(at), "path": path, "type": kind} for at, (path, kind) in enumerate(listed)]}


def old_pooling(mode: str) -> dict:
    flags = {f"pooling_mode_{flag}": flag.startswith(mode) for flag in ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")}
    return {"1_Pooling/config.json": {"word_embedding_dimension": 16, **flags, "pooling_mode_mean_sqrt_len_tokens": False, "include_prompt": True}}


def dense(inputs: int, outputs: int, activation: str, **more: object) -> dict:
    return {"in_features": inputs, "out_features": outputs, "bias": False, "activation_function": f"torch.nn.modules.{activation}", **more}


LENGTHS = {"sentence_bert_config.json": {"max_seq_length": 64, "do_lower_case": False}}
RERANKER = {
    "modules.json": [{"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.{kind}"} for at, (path, kind) in enumerate([
        ("", "base.modules.transformer.Transformer"), ("1_Pooling", "sentence_transformer.modules.pooling.Pooling"), ("2_Dense", "base.modules.dense.Dense"),
        ("3_LayerNorm", "sentence_transformer.modules.layer_norm.LayerNorm"), ("4_Dense", "base.modules.dense.Dense"),
    ])],
    "1_Pooling/config.json": {"embedding_dimension": 16, "pooling_mode": "cls", "include_prompt": True},
    "2_Dense/config.json": dense(16, 16, "activation.GELU", module_input_name="sentence_embedding", module_output_name="sentence_embedding"),
    "3_LayerNorm/config.json": {"dimension": 16},
    "4_Dense/config.json": dense(16, 1, "linear.Identity", module_input_name="sentence_embedding", module_output_name="scores") | {"bias": True},
    "config_sentence_transformers.json": {"model_type": "CrossEncoder", "prompts": {}, "default_prompt_name": None, "activation_fn": "torch.nn.modules.activation.Sigmoid"},
    "sentence_bert_config.json": {"transformer_task": "feature-extraction", "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}, "module_output_name": "token_embeddings"},
}
COLBERT = {
    "modules.json": [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}, {"idx": 1, "name": "1", "path": "1_Dense", "type": "pylate.models.Dense.Dense"}],
    "1_Dense/config.json": dense(16, 8, "linear.Identity"),
    "config_sentence_transformers.json": {
        "model_type": "ColBERT", "prompts": {}, "default_prompt_name": None, "similarity_fn_name": "MaxSim", "query_prefix": "[Q] ", "document_prefix": "[D] ",
        "query_length": 32, "document_length": 64, "attend_to_expansion_tokens": False, "skiplist_words": list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    },
    **LENGTHS,
}
SPLADE = modules("SpladePooling", first="sparse_encoder.models.MLMTransformer", package="sentence_transformers.sparse_encoder.models") | {
    "1_SpladePooling/config.json": {"pooling_strategy": "max", "activation_function": "relu", "word_embedding_dimension": 288}, "config_sentence_transformers.json": {"model_type": "SparseEncoder"}, **LENGTHS,
}

MLM, SEQUENCE, TOKEN, BARE = (f"ModernBert{suffix}" for suffix in ("ForMaskedLM", "ForSequenceClassification", "ForTokenClassification", "Model"))
NLI = labelled("entailment", "neutral", "contradiction")
SCORE = labelled("LABEL_0")
GRANITE = FLAT | {"classifier_pooling": "cls", "global_rope_theta": 80000.0, "local_rope_theta": 10000.0, "torch_dtype": "bfloat16"}

# Model, task, files, and what differs from bytes, F32 and the names of transformers' classes.
ROWS: list[tuple[str, str, dict, dict]] = [
    ("answerdotai/ModernBERT-base, -large", "fill-mask", with_class(MLM, FLAT), {}),
    ("answerdotai/ModernBERT-Large-Instruct", "fill-mask", with_class(MLM, FLAT), {"targets": ["a", "t"]}),
    ("jhu-clsp/ettin-encoder-17m to -1b", "fill-mask", with_class(MLM, V5), {}),
    ("BioClinical-ModernBERT, Clinical_ModernBERT, cpt-en-\\*", "fill-mask", with_class(MLM, FLAT, torch_dtype="bfloat16"), {"dtype": "BF16"}),
    ("nomic-ai/modernbert-embed-base", "embed", with_class(BARE, FLAT) | modules("Pooling", "Normalize") | old_pooling("mean") | LENGTHS, {}),
    ("Alibaba-NLP/gte-modernbert-base", "embed", with_class(BARE, FLAT, torch_dtype="float16") | modules("Pooling") | old_pooling("cls") | LENGTHS, {"dtype": "F16"}),
    ("ibm-granite/granite-embedding-english-r2, -small-r2", "embed", with_class(BARE, GRANITE) | modules("Pooling", "Normalize") | old_pooling("cls") | LENGTHS, {"dtype": "BF16"}),
    ("ibm-granite/granite-embedding-97m-multilingual-r2", "embed", with_class(BARE, GRANITE, hidden_activation="silu") | modules("Pooling", "Normalize") | old_pooling("cls") | LENGTHS, {"dtype": "BF16"}),
    ("neavo/modern_bert_multilingual", "embed", with_class(BARE, FLAT), {"tokenizer": "qwen"}),
    ("ModernCamemBERT, Chinese ModernBERT", "fill-mask", with_class(MLM, FLAT, vocab_size=64), {"tokenizer": "words"}),
    ("Alibaba-NLP/gte-reranker-modernbert-base", "rerank", with_class(SEQUENCE, FLAT, torch_dtype="float16", **SCORE), {"dtype": "F16"}),
    ("ibm-granite/granite-embedding-reranker-english-r2", "rerank", with_class(SEQUENCE, GRANITE, **SCORE), {"dtype": "BF16"}),
    ("reranker-ModernBERT-\\* of sentence-transformers' examples", "rerank", with_class(SEQUENCE, FLAT, **SCORE, sentence_transformers={"activation_fn": "torch.nn.modules.linear.Identity", "version": "4.1.0"}), {}),
    ("cross-encoder/ettin-reranker-17m-v1 to -1b-v1", "rerank", with_class(BARE, V5) | RERANKER, {}),
    ("llm-semantic-router intent classifiers", "classify", with_class(SEQUENCE, FLAT, **labelled("math", "law", "other")), {}),
    ("MoritzLaurer/ModernBERT-\\*-zeroshot-v2.0, tasksource/ModernBERT-base-nli", "zero-shot", with_class(SEQUENCE, FLAT, **NLI), {}),
    ("llm-semantic-router PII detectors", "token-classification", with_class(TOKEN, FLAT, **labelled("O", "B-PERSON", "I-PERSON")), {}),
    ("KRLabsOrg/lettucedect-base-modernbert-en-v1, -large", "token-pairs", with_class(TOKEN, FLAT, **labelled("LABEL_0", "LABEL_1")), {}),
    ("lightonai/GTE-ModernColBERT-v1, LateOn, Reason-ModernColBERT", "embed-multi", with_class(BARE, FLAT) | COLBERT, {}),
    ("SPLADE on ModernBERT (SparseEncoder)", "embed-sparse", with_class(MLM, FLAT) | SPLADE, {}),
    ("bert-base-uncased, -cased", "fill-mask", with_class("BertForMaskedLM", BERT), {"tokenizer": "words", "rename": {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}}),
    ("sentence-transformers/all-MiniLM-L6-v2", "embed", with_class("BertModel", BERT) | modules("Pooling", "Normalize") | old_pooling("mean") | LENGTHS, {"tokenizer": "words"}),
    ("BAAI/bge-small-en-v1.5, -base-en-v1.5", "embed", with_class("BertModel", BERT) | modules("Pooling", "Normalize") | old_pooling("cls") | {"sentence_bert_config.json": {"max_seq_length": 64, "do_lower_case": True}}, {"tokenizer": "words"}),
    ("intfloat/e5-small-v2, -base-v2", "embed", with_class("BertModel", BERT) | modules("Pooling", "Normalize") | old_pooling("mean") | LENGTHS, {"tokenizer": "words", "texts": ["query: the cat", "passage: the cat sat on the mat"]}),
    ("cross-encoder/ms-marco-MiniLM-L6-v2, -L12-v2", "rerank", with_class("BertForSequenceClassification", BERT, **SCORE, sentence_transformers={"activation_fn": "torch.nn.modules.linear.Identity", "version": "4.0.1"}), {"tokenizer": "words"}),
]

# ---- decision models: encoder and head as files of their own, computed here with torch's layers

LAYA = {
    "encoder": "answerdotai/ModernBERT-large", "head_layers": 2, "max_len": 96, "head_max_len": 60, "act_costs": {"escalate": 0.3},
    "temperature": [1.5, 0.3, 2.0], "temperature_by_options": {"choice:3-5": 1.76, "noul:2": 9.0},
}
STATE = {"cat": "on the mat", "km": [1, 2.5, None], "dog": {"red": True}}
QUESTIONS = {
    "where": {"type": "choice", "instructions": "where is the cat", "criteria": {"mat": "the red mat", "up": None, "dog": "a dog (ran)"}},
    "pick": {"type": "choice", "instructions": "which", "criteria": ["cat", "dog"]},
    "how": {"type": "score", "instructions": "how far [MASK] ran the dog", "criteria": ["not", "12 km"]},
    "ran": {"type": "noul", "instructions": "the dog ran", "criteria": {"true": "it ran", "false": None}},
    "sat": {"type": "noul", "instructions": "the cat sat"},
    "long": {"type": "choice", "instructions": "the cat sat on the mat, a dog ran up to the red mat", "criteria": {"a": TEXTS[1] * 2, "b": TEXTS[0] * 4, "c": TEXTS[0]}},
}


def decision_shapes(config: dict, width: int) -> dict[str, list[int]]:
    layers = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(width, 1, 4 * width, norm_first=True), config["head_layers"], enable_nested_tensor=False)
    shapes = {f"head.{key}": list(tensor.shape) for key, tensor in layers.state_dict().items()}
    more = {"type_emb.weight": [3, width], "scorer.0.weight": [width], "scorer.0.bias": [width], "scorer.1.weight": [width, width], "scorer.1.bias": [width], "scorer.3.weight": [1, width], "scorer.3.bias": [1]}
    act = {"act_head.0.weight": [256, width + 4], "act_head.0.bias": [256], "act_head.2.weight": [2, 256], "act_head.2.bias": [2], "temperature": [3]}
    return shapes | more | act


def build_decisions(folder: Path, files: dict) -> dict[str, list]:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(content))
    (folder / "tokenizer").mkdir()
    shutil.copy(TARGET / "bytes.json", folder / "tokenizer/tokenizer.json")
    (folder / "tokenizer/tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **ROLES}))
    encoder = transformers.ModernBertModel(transformers.AutoConfig.for_model(**{key: value for key, value in FLAT.items() if key != "architectures"}))
    shapes = {f"encoder.{key}": list(tensor.shape) for key, tensor in encoder.state_dict().items()} | decision_shapes(files["rl_agent_config.json"], 16)
    save_file({name: tensor_of(name, shape, torch.float16) for name, shape in shapes.items()}, folder / "model.safetensors")
    return {"model.safetensors": list(shapes.items())}


def question_tokens(tokenizer: object, question: dict, config: dict) -> tuple[list[int], list[int]]:
    """By what the documents of laya say of its prompts: type and instructions, a mask before each option, the state."""
    ids = lambda text: tokenizer(text.replace("[MASK]", " "), add_special_tokens=False)["input_ids"]
    criteria = question.get("criteria") or {}
    if question["type"] == "choice":
        options = [f"{name}: {meaning}" if meaning else name for name, meaning in (criteria.items() if isinstance(criteria, dict) else ((name, None) for name in criteria))]
    elif question["type"] == "score":
        options = [f"level {at}: {level}" for at, level in enumerate(criteria)]
    else:
        options = ["false: " + (criteria.get("false") or "no, the statement does not hold"), "true: " + (criteria.get("true") or "yes, the statement holds")]
    marked = [[tokenizer.mask_token_id, *ids(" " + option)[:48]] for option in options]
    most = config["head_max_len"]
    if most - sum(map(len, marked)) < 16:
        each = max(4, (most - 16) // len(marked))
        marked = [option[:each] for option in marked]
    head = ids(f"{question['type']} question: {question['instructions']}")[: max(8, most - sum(map(len, marked)))]
    sequence, places = [tokenizer.cls_token_id, *head, tokenizer.sep_token_id], []
    for option in marked:
        places.append(len(sequence))
        sequence += option
    sequence.append(tokenizer.sep_token_id)
    state = ids(json.dumps(STATE, ensure_ascii=False))[: max(0, config["max_len"] - len(sequence) - 1)]
    return sequence + state + [tokenizer.sep_token_id], places


def decisions(folder: str) -> dict:
    config = json.loads((Path(folder) / "rl_agent_config.json").read_text())
    weights = {key: tensor.float() for key, tensor in load_file(Path(folder) / "model.safetensors").items()}
    encoder = transformers.ModernBertModel(transformers.AutoConfig.from_pretrained(Path(folder) / "encoder", attn_implementation="eager")).eval()
    encoder.load_state_dict({key.removeprefix("encoder."): tensor for key, tensor in weights.items() if key.startswith("encoder.")})
    layers = [torch.nn.TransformerEncoderLayer(16, 1, 64, 0.0, batch_first=True, norm_first=True).eval() for _ in range(config["head_layers"])]
    for at, layer in enumerate(layers):
        layer.load_state_dict({key.removeprefix(f"head.layers.{at}."): tensor for key, tensor in weights.items() if key.startswith(f"head.layers.{at}.")})
    tokenizer = AutoTokenizer.from_pretrained(Path(folder) / "tokenizer")
    answers = {}
    for key, question in QUESTIONS.items():
        sequence, places = question_tokens(tokenizer, question, config)
        kind = ["choice", "score", "noul"].index(question["type"])
        with torch.no_grad():
            states = encoder(torch.tensor([sequence])).last_hidden_state + weights["type_emb.weight"][kind]
            for layer in layers:
                states = layer(states)
            rows = torch.nn.functional.layer_norm(states[0, places], (16,), weights["scorer.0.weight"], weights["scorer.0.bias"])
            rows = torch.nn.functional.gelu(rows @ weights["scorer.1.weight"].T + weights["scorer.1.bias"])
            logits = (rows @ weights["scorer.3.weight"].T + weights["scorer.3.bias"])[:, 0].double()
        size = next(name for most, name in ((2, "2"), (5, "3-5"), (10, "6-10"), (255, "11+")) if len(places) <= most)
        temperature = config["temperature_by_options"].get(f"{question['type']}:{size}", config["temperature"][kind])
        p = torch.softmax(logits / min(5.0, max(0.5, temperature)), 0)
        confidence = float(1 + (p * p.log()).sum() / np.log(len(p)))
        criteria = question.get("criteria")
        if question["type"] == "noul":
            answers[key] = {"type": "noul", "noul": float(p[1])}
        elif question["type"] == "choice":
            names = list(criteria)
            answers[key] = {"type": "choice", "choice": names[int(p.argmax())], "probabilities": dict(zip(names, p.tolist())), "confidence": confidence}
        else:
            numbers = [str(at) for at in range(len(p))]
            answers[key] = {"type": "score", "score": float((p * torch.arange(len(p))).sum()), "legend": dict(zip(numbers, criteria)), "probabilities": dict(zip(numbers, p.tolist())), "confidence": confidence}
    return answers


UNIGRAM = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}, "post_processor": None, "decoder": None, "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["▁a", -1.0]], "byte_fallback": False}}
GEMMA = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}, "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}, "post_processor": None, "decoder": None, "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False, "vocab": {"<unk>": 0, "▁a": 1}, "merges": []}}
LETTERS = UNIGRAM | {"pre_tokenizer": {"type": "Whitespace"}, "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "A": 1}, "unk_token": "[UNK]"}}
ANY = {"model.safetensors": None}

# Model, its files (null: any bytes), what to do.
REFUSED: list[tuple[str, dict, str]] = [
    ("knowledgator/modern-gliner-bi-base, -large", {"gliner_config.json": {}, "pytorch_model.bin": None}, "choose a model for token classification"),
    ("knowledgator/gliclass-modern-\\*", {"config.json": {"model_type": "GLiClass", "architectures": ["GLiClassModel"]}, **ANY}, "choose a model of one of these types"),
    ("jhu-clsp/ettin-decoder-\\*", {"config.json": FLAT | {"model_type": "modernbert-decoder", "architectures": ["ModernBertDecoderForCausalLM"]}, **ANY}, "choose a model of one of these types"),
    ("jhu-clsp/mmBERT-base, -small (main has pytorch_model.bin alone)", with_class(MLM, FLAT) | {"pytorch_model.bin": None}, "save it again with transformers (from_pretrained, then save_pretrained), or look for a revision with model.safetensors"),
    ("onnx-community/\\*-ONNX", {"config.json": FLAT, "onnx/model.onnx": None}, "use the repository that it was converted from"),
    ("GGUF conversions", {"model-f16.gguf": None}, "use the repository that it was converted from"),
    ("sbintuitions/modernbert-ja-\\*, llm-jp-modernbert-base (Unigram)", with_class(MLM, FLAT) | {"tokenizer.json": UNIGRAM, **ANY}, "choose a model with one of these tokenizers"),
    ("mmBERT with safetensors, granite-embedding-311m-multilingual-r2, laya-multilingual, llm-semantic-router/mmbert-32k-yarn (Gemma's tokenizer)", with_class(MLM, FLAT) | {"tokenizer.json": GEMMA, **ANY}, "choose a model with a byte-level BPE or WordPiece tokenizer"),
    ("DNA and character models (WordLevel)", with_class(MLM, FLAT) | {"tokenizer.json": LETTERS, **ANY}, "choose a model with one of these tokenizers"),
]


# ---- folders and answers

TOKENIZER_CONFIG = {"model_max_length": 64, **ROLES}


def tokenizer_class(config: dict) -> str:
    """Of another class transformers 5.17 gives BERT no token types."""
    return "BertTokenizer" if config["model_type"] == "bert" else "PreTrainedTokenizerFast"


def build(folder: Path, files: dict, options: dict) -> dict[str, list]:
    """Writes a folder; by file of weights the names and shapes of its tensors."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(content))
    shutil.copy(TARGET / f"{options.get('tokenizer', 'bytes')}.json", folder / "tokenizer.json")
    config = files["config.json"]
    (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER_CONFIG | {"tokenizer_class": tokenizer_class(config)}))
    name = config["architectures"][0]
    kind = getattr(transformers, name)
    model = kind(transformers.AutoConfig.for_model(**{key: value for key, value in config.items() if key not in ("architectures", "sentence_transformers")}))
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        shapes = {key: list(tensor.shape) for key, tensor in load_file(Path(temporary) / "model.safetensors").items()}
    for old, new in options.get("rename", {}).items():
        shapes = {key.replace(old, new): shape for key, shape in shapes.items()}
    weights = {"model.safetensors": list(shapes.items())}
    for path, content in files.items():
        kind, at = path.split("/")[0].split("_")[-1], path.split("/")[0]
        if kind == "Dense":
            weights[f"{at}/model.safetensors"] = [("linear.weight", [content["out_features"], content["in_features"]]), *([("linear.bias", [content["out_features"]])] if content["bias"] else [])]
        if kind == "LayerNorm":
            weights[f"{at}/model.safetensors"] = [("norm.weight", [content["dimension"]]), ("norm.bias", [content["dimension"]])]
    dtypes = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    for path, tensors in weights.items():
        dtype = dtypes[options.get("dtype", "F32")] if path == "model.safetensors" else torch.float32
        (folder / path).parent.mkdir(exist_ok=True)
        save_file({name: tensor_of(name, shape, dtype) for name, shape in tensors}, folder / path, {"format": "pt"})
    for path in ("2_Normalize",):
        if any(at.startswith("modules") for at in files):
            (folder / path).mkdir(exist_ok=True)
    return weights


def answer(task: str, folder: str, options: dict) -> object:
    exact = {"attn_implementation": "eager", "dtype": torch.float32}
    texts = options.get("texts", TEXTS)
    match task:
        case "fill-mask":
            fill = pipeline("fill-mask", folder, device="cpu", dtype=torch.float32)
            more = {"targets": options["targets"]} if "targets" in options else {}
            return [[{"token": one["token"], "score": one["score"]} for one in fill(text, top_k=2, **more)] for text in MASKED]
        case "embed":
            return SentenceTransformer(folder, device="cpu", model_kwargs=exact).encode(texts, batch_size=1).tolist()
        case "rerank":
            model = CrossEncoder(folder, device="cpu", model_kwargs=exact)
            return [{"index": one["corpus_id"], "score": float(one["score"])} for one in model.rank(PAIRS[0][0], [second for _, second in PAIRS], batch_size=1)]
        case "classify":
            return [pipeline("text-classification", folder, device="cpu", dtype=torch.float32)(text, top_k=None) for text in texts]
        case "zero-shot":
            return [pipeline("zero-shot-classification", folder, device="cpu", dtype=torch.float32)(text, candidate_labels=["cat", "dog"]) for text in texts]
        case "token-classification":
            found = pipeline("token-classification", folder, device="cpu", dtype=torch.float32)(texts, aggregation_strategy="simple")
            return [[{**one, "score": float(one["score"])} for one in entities] for entities in found]
        case "token-pairs":
            tokenizer = AutoTokenizer.from_pretrained(folder)
            model = transformers.ModernBertForTokenClassification.from_pretrained(folder, **exact).eval()
            encoded = tokenizer(*PAIRS[0], return_tensors="pt")
            with torch.no_grad():
                probabilities = torch.softmax(model(encoded["input_ids"], encoded["attention_mask"]).logits[0].double(), -1)
            return [float(probabilities[at].max()) for at, part in enumerate(encoded.sequence_ids(0)) if part == 1]
        case "embed-multi":
            # sdpa, as PyLate computes: a row without a key is zero there, and in eager attention the mean of all values.
            model = MultiVectorEncoder(folder, device="cpu", model_kwargs=exact | {"attn_implementation": "sdpa"})
            return {"query": model.encode_query([PAIRS[0][0]])[0].tolist(), "document": model.encode_document([PAIRS[0][1]])[0].tolist()}
        case "embed-sparse":
            dense = SparseEncoder(folder, device="cpu", model_kwargs=exact).encode(texts, batch_size=1).to_dense()
            return [{"indices": row.nonzero()[:, 0].tolist(), "values": row[row > 0].tolist()} for row in dense]
    raise SystemExit(f"no such task: {task}")


HEAD = """# Models that people use

How each layout of model folder is read. "Loads and is right": a folder in that layout, with the keys of the published config.json and tiny weights, answers
what transformers 5.17 or sentence-transformers 6.0.1 answers. "Refused": the message ends with what to do. Published weights were not downloaded for it. The
rows are those of `packages/pipelines/test/fixtures/model_table/table.json`, made by `tooling/reference/model_table_fixture.py` and tested by `model-table.test.ts`.
Prefixes such as `search_query: ` or `query: ` are yours to write where a folder names no prompts.

"""


def write_document(rows: list[dict], refused: list[dict]) -> None:
    cells = [["model", "task", "here"], *([row["model"], row["task"], "loads and is right"] for row in rows), *([row["model"], "", f"refused: {row['todo']}"] for row in refused)]
    widths = [max(len(row[at]) for row in cells) for at in range(3)]
    lines = [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths))} |" for row in cells]
    lines.insert(1, f"| {' | '.join('-' * width for width in widths)} |")
    (ROOT / "docs/models.md").write_text(HEAD + "\n".join(lines) + "\n")


def short(value: object) -> object:
    if isinstance(value, dict):
        return {key: short(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [short(item) for item in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def make() -> None:
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    save_tokenizers()
    rows = []
    for model, task, files, options in ROWS:
        with tempfile.TemporaryDirectory() as temporary:
            weights = build(Path(temporary), files, options)
            row = {"model": model, "task": task, "files": files, "tokenizer": "bytes", "tokenizerClass": tokenizer_class(files["config.json"]), "dtype": "F32", **{key: options[key] for key in ("tokenizer", "dtype", "texts", "targets") if key in options}}
            rows.append(row | {"weights": weights, "answer": short(answer(task, temporary, options))})
    with tempfile.TemporaryDirectory() as temporary:
        files = {"rl_agent_config.json": LAYA, "encoder/config.json": FLAT}
        weights = build_decisions(Path(temporary), files)
        row = {"model": "convaiinnovations/laya, laya-typed-decisions", "task": "decide", "files": files, "tokenizer": "bytes", "tokenizerClass": "PreTrainedTokenizerFast", "tokenizerFolder": "tokenizer/", "dtype": "F16"}
        rows.append(row | {"weights": weights, "answer": short(decisions(temporary))})
    refused = [{"model": model, "files": files, "todo": todo} for model, files, todo in REFUSED]
    given = {"texts": TEXTS, "pairs": PAIRS, "masked": MASKED, "state": STATE, "questions": QUESTIONS, "tokenizerConfig": TOKENIZER_CONFIG}
    write_document(rows, refused)
    lines = lambda items: "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n]"
    (TARGET / "table.json").write_text(f'{{"given": {json.dumps(given)},\n"rows": {lines(rows)},\n"refused": {lines(refused)}}}\n')


if __name__ == "__main__":
    make()
