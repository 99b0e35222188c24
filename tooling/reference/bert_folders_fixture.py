"""Small BERT folders in the forms that the hub has them, and what sentence-transformers, transformers and torch answer with them."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from sentence_transformers import CrossEncoder, SentenceTransformer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForPreTraining, BertForQuestionAnswering, BertForSequenceClassification, BertForTokenClassification, BertModel, pipeline

from common import PIPELINES_FIXTURES, generator, redraw
from label_fixture import LENGTH, LONG, NLI, TAGS, TEXT, WIDE, entities_of, nli, rounded, spans

TARGET = PIPELINES_FIXTURES / "bert"

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = "the cat sat on mat and dog red ran up to where is this example query passage how many"
VOCABULARY = [*SPECIALS, *"(),.:0123456789", *LETTERS, *(f"##{letter}" for letter in f"{LETTERS}0123456789"), *WORDS.split(), "##an", "##at"]
TEXTS = ["The cat sat on the mat.", "A red dog", f"{LONG}, {TEXT}", "élan 😀 mat"]

SIZES = dict(
    vocab_size=len(VOCABULARY), hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=LENGTH, type_vocab_size=2, pad_token_id=0, layer_norm_eps=1e-12,
)
# Keys of config.json that say nothing of what is computed, as versions 4.8 and 4.30 of transformers wrote them.
OLD_KEYS = {"gradient_checkpointing": False, "position_embedding_type": "absolute", "use_cache": True, "transformers_version": "4.8.2"}
NEWER_KEYS = {"classifier_dropout": None, "position_embedding_type": "absolute", "torch_dtype": "float32", "use_cache": True, "transformers_version": "4.30.0"}

ROLES = {f"{name[1:-1].lower()}_token": name for name in SPECIALS}
OLD_TOKENIZER = {
    "do_lower_case": True, **ROLES, "tokenize_chinese_chars": True, "strip_accents": None, "name_or_path": "base",
    "do_basic_tokenize": True, "never_split": None, "special_tokens_map_file": "special_tokens_map.json", "tokenizer_class": "BertTokenizer", "model_max_length": 512,
}
VERSIONS = {"__version__": {"sentence_transformers": "2.0.0", "transformers": "4.6.1", "pytorch": "1.8.1"}}


def pooling(mode: str) -> dict:
    flags = {f"pooling_mode_{name}": name == mode for name in ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")}
    return {"word_embedding_dimension": SIZES["hidden_size"], **flags}


def sentence_files(mode: str, length: int, lower: bool) -> dict:
    kinds = (("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"))
    return {
        "modules.json": [{"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"} for at, (kind, path) in enumerate(kinds)],
        "1_Pooling/config.json": pooling(mode),
        "sentence_bert_config.json": {"max_seq_length": length, "do_lower_case": lower},
        "special_tokens_map.json": ROLES,
    }


def save_tokenizer(folder: Path, config: dict, fixed: int | None) -> None:
    """vocab.txt, and tokenizer.json with the truncation and padding that were set when it was saved."""
    tokenizer = Tokenizer(models.WordPiece({token: id for id, token in enumerate(VOCABULARY)}, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.add_special_tokens(SPECIALS)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    if fixed:
        tokenizer.enable_truncation(fixed)
        tokenizer.enable_padding(length=fixed, pad_id=0, pad_token="[PAD]")
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in VOCABULARY))
    (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")


def legacy(name: str) -> str:
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


def save(name: str, kind: type, keys: dict, files: dict, tokenizer: dict, fixed: int | None = None, tensor_name=lambda name: name, buffer: str | None = None, left_out: tuple[str, ...] = (), **config: object) -> Path:
    folder = TARGET / name
    folder.mkdir(parents=True)
    settings = BertConfig(**SIZES, **config)
    model = kind(settings)
    redraw(model, generator(f"pipelines/bert/{name}"))
    own = {key: value for key, value in settings.to_dict().items() if key in SIZES or key in config}
    usual = {"attention_probs_dropout_prob": 0.1, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "initializer_range": 0.02, "model_type": "bert"}
    architecture = "BertForMaskedLM" if kind is BertForPreTraining else kind.__name__
    (folder / "config.json").write_text(json.dumps({"architectures": [architecture], **usual, **own, **keys}, indent=2) + "\n")
    state = {tensor_name(key): value.contiguous() for key, value in model.state_dict().items() if key not in left_out and "position_ids" not in key and "token_type_ids" not in key}
    if buffer:
        state[buffer] = torch.arange(LENGTH)[None]
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    for path, content in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(json.dumps(content) + "\n")
    save_tokenizer(folder, tokenizer, fixed)
    return folder


def make() -> None:
    shutil.rmtree(TARGET, ignore_errors=True)
    golden = {"texts": TEXTS, "vectors": vectors(), "rerank": reranked(), "masks": masks(), "entities": entities(), **pairs()}
    (TARGET / "golden.json").write_text(json.dumps(rounded(golden), ensure_ascii=False, indent=1) + "\n")


def vectors() -> dict:
    """all-MiniLM-L6-v2, bge-small-en-v1.5 and e5-small-v2."""
    labels = {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
    folders = {
        "all-minilm": save(
            "all-minilm", BertModel, {"_name_or_path": "base", **OLD_KEYS}, sentence_files("mean_tokens", LENGTH // 2, False) | {"config_sentence_transformers.json": VERSIONS},
            OLD_TOKENIZER, fixed=16, buffer="embeddings.position_ids",
        ),
        "bge": save(
            "bge", BertModel, NEWER_KEYS | labels, sentence_files("cls_token", LENGTH, True) | {"config_sentence_transformers.json": VERSIONS},
            {"clean_up_tokenization_spaces": True, **OLD_TOKENIZER}, buffer="embeddings.position_ids",
        ),
        "e5": save("e5", BertModel, NEWER_KEYS, sentence_files("mean_tokens", LENGTH, False), OLD_TOKENIZER, buffer="embeddings.position_ids"),
    }
    found = {}
    for name, folder in folders.items():
        model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"attn_implementation": "eager"})
        # e5 is asked with prefixes that its card tells people to write.
        texts = [f"query: {text}" for text in TEXTS] if name == "e5" else TEXTS
        found[name] = model.encode(texts, batch_size=len(texts)).tolist()
    return found


def reranked() -> dict:
    """ms-marco-MiniLM-L6-v2: one logit, and an activation that leaves it as it is; in the key of today and in that of before."""
    answers: dict = {"query": "How many cats?", "texts": ["the dog", "a red mat", "The cat sat on the mat", LONG + LONG]}
    identity = "torch.nn.modules.linear.Identity"
    for name, key in {"ms-marco": {"sentence_transformers": {"activation_fn": identity, "version": "4.0.1"}}, "ms-marco-old": {"sbert_ce_default_activation_function": identity}}.items():
        folder = save(
            name, BertForSequenceClassification, OLD_KEYS | key | {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}, {"special_tokens_map.json": ROLES},
            OLD_TOKENIZER | {"model_max_length": LENGTH}, buffer="bert.embeddings.position_ids", num_labels=1,
        )
        model = CrossEncoder(str(folder), device="cpu", max_length=LENGTH)
        ranked = model.rank(answers["query"], answers["texts"], batch_size=4)
        answers[name] = [{"index": at["corpus_id"], "score": float(at["score"])} for at in ranked]
    return answers


def masks() -> list:
    """bert-base-uncased: norms called gamma and beta, the tensors of both pretraining heads, a tied decoder that is not stored, roles of tokens by the class alone."""
    folder = save(
        "bert-base", BertForPreTraining, {"gradient_checkpointing": False, "position_embedding_type": "absolute", "use_cache": True, "transformers_version": "4.6.0.dev0"}, {},
        {"do_lower_case": True, "model_max_length": 512}, tensor_name=legacy, left_out=("cls.predictions.decoder.weight", "cls.predictions.decoder.bias"),
    )
    fill = pipeline("fill-mask", str(folder), device="cpu", top_k=3)
    return [{"text": text, "answers": fill(text)} for text in ("The [MASK] sat on the mat.", "Where is the red [MASK]?")]


def entities() -> dict:
    """Words of WordPiece: pieces that go on have a prefix, accents and case are gone from them but not from the text, what is unknown is one token."""
    folder = save(
        "tags", BertForTokenClassification, OLD_KEYS, {}, OLD_TOKENIZER | {"model_max_length": LENGTH}, id2label=TAGS, label2id={label: id for id, label in TAGS.items()},
    )
    texts = {"text": "The Catman sat, ranup to (a) dog12 whereas", "wide": "Élan 😀 mat naïve 猫dog"}
    return {"texts": texts, "found": entities_of(pipeline("token-classification", str(folder), device="cpu"), texts)}


def pairs() -> dict:
    """Of a pair the second text has type 1: classes, natural language inference and spans."""
    plain = (OLD_KEYS, {}, OLD_TOKENIZER | {"model_max_length": LENGTH})
    classifier = save("nli", BertForSequenceClassification, *plain, id2label=NLI, label2id={label: id for id, label in NLI.items()})
    untyped = TARGET / "untyped"
    shutil.copytree(classifier, untyped)
    tokenizer = json.loads((untyped / "tokenizer_config.json").read_text())
    (untyped / "tokenizer_config.json").write_text(json.dumps(tokenizer | {"model_input_names": ["input_ids", "attention_mask"]}) + "\n")
    without = pipeline("text-classification", str(untyped), device="cpu")({"text": TEXT, "text_pair": "the dog ran"}, top_k=None)
    config = (untyped / "tokenizer_config.json").read_text()
    shutil.rmtree(untyped)
    answerer = save("spans", BertForQuestionAnswering, *plain)
    return {
        "nli": nli(str(classifier), f"{LONG} {LONG}"),
        "untyped": {"tokenizer_config": json.loads(config), "pair": without},
        "spans": spans(answerer, BertForQuestionAnswering, typed=True),
    }


if __name__ == "__main__":
    make()
