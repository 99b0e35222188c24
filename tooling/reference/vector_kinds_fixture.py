"""One small masked-LM folder as sparse and multi-vector models of several layouts, and what sentence-transformers makes of it; quantized vectors."""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from sentence_transformers import MultiVectorEncoder, SentenceTransformer, SparseEncoder
from sentence_transformers.util import quantize_embeddings
from transformers import ModernBertConfig, ModernBertForMaskedLM

from common import PIPELINES_FIXTURES, generator, redraw
from sentence_fixture import PLAIN_PROMPTS, SHORT, modules, pooling, save_tokenizer, weights_of

TARGET = PIPELINES_FIXTURES / "vector_kinds"
QUERIES = ["a mat", "the cat, the mat?"]
DOCUMENTS = ["the cat sat on the mat.", "The CAT!", "a dog (red)"]


def save_base(base: Path) -> None:
    config = ModernBertConfig(
        vocab_size=280, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=2, local_attention=32,
        pad_token_id=3, bos_token_id=1, cls_token_id=1, eos_token_id=2, sep_token_id=2, max_position_embeddings=96,
    )
    model = ModernBertForMaskedLM(config)
    redraw(model, generator("pipelines/vector_kinds"))
    model.tie_weights()
    model.save_pretrained(base)
    save_tokenizer(base, ["[Q] ", "[D] "])


def listed(*kinds: str, first: str = "sentence_transformers.models.Transformer") -> list[dict]:
    types = [first, *kinds]
    return [{"idx": at, "name": str(at), "path": "" if at == 0 else f"{at}_{kind.split('.')[-1]}", "type": kind} for at, kind in enumerate(types)]


SPLADE = "sentence_transformers.sparse_encoder.models.SpladePooling"
MLM = "sentence_transformers.sparse_encoder.models.MLMTransformer"
NEW = "sentence_transformers.base.modules.transformer.Transformer"
DENSE = {"in_features": 16, "out_features": 6, "bias": False, "activation_function": "torch.nn.modules.linear.Identity"}
TOKENS = {"module_input_name": "token_embeddings", "module_output_name": "token_embeddings"}
PYLATE = {
    "model_type": "ColBERT", "prompts": {}, "default_prompt_name": None, "similarity_fn_name": "MaxSim", "query_prefix": "[Q] ", "document_prefix": "[D] ",
    "query_length": 32, "document_length": 64, "attend_to_expansion_tokens": False,
}
PYLATE_MODULES = listed("pylate.models.Dense.Dense")
V6 = "sentence_transformers.multi_vector_encoder.modules.multi_vector_mask.MultiVectorMask"
V6_MODULES = listed("sentence_transformers.base.modules.dense.Dense", V6, "sentence_transformers.base.modules.normalize.Normalize", first=NEW)
V6_FILES = {
    "modules.json": V6_MODULES, "1_Dense/config.json": DENSE | TOKENS, "2_MultiVectorMask/config.json": {"skiplist_words": [",", "."], "skiplist_tasks": ["query", "document"], "keep_only_token_ids": None},
    "3_Normalize/config.json": TOKENS, "config_sentence_transformers.json": {"model_type": "MultiVectorEncoder", "prompts": {"query": "[Q] ", "document": "[D] "}, "default_prompt_name": None, "similarity_fn_name": "maxsim"},
}


def v6(transformer: dict) -> dict:
    return V6_FILES | {"sentence_bert_config.json": transformer}


def pylate(more: dict, dense: dict = DENSE) -> dict:
    return {"modules.json": PYLATE_MODULES, "1_Dense/config.json": dense, "config_sentence_transformers.json": PYLATE | more}


def sparse(first: str, more: dict, texts: dict) -> dict:
    return {"modules.json": listed(SPLADE, first=first), "1_SpladePooling/config.json": more, "config_sentence_transformers.json": {"model_type": "SparseEncoder"} | texts}


SPARSE = [
    ("sparse, max", sparse(MLM, {"pooling_strategy": "max", "activation_function": "relu", "word_embedding_dimension": 280}, {}), None),
    ("sparse, sum of log1p twice", sparse(MLM, {"pooling_strategy": "sum", "activation_function": "log1p_relu"}, PLAIN_PROMPTS), None),
    ("sparse, as saved since 5.4, topK", sparse(NEW, {"pooling_strategy": "max"}, {}) | {"sentence_bert_config.json": {"transformer_task": "fill-mask"}}, 5),
]
MULTI = [
    ("PyLate, attends to expansion", pylate({"attend_to_expansion_tokens": True, "skiplist_words": ["."]})),
    ("PyLate, no expansion, residual", pylate({"do_query_expansion": False}, DENSE | {"use_residual": True, "activation_function": "torch.nn.modules.activation.GELU"})),
    ("v6, expansion to at least", v6({"transformer_task": "feature-extraction", "query_expansion": {"strategy": "min", "length": 12, "attend": False, "token": None}, "document_length": 8})),
    ("v6, none", v6({"query_length": 5})),
]


def opened(kind: type, base: Path, files: dict) -> object:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        shutil.copytree(base, folder)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(json.dumps(content))
        if "1_Dense/config.json" in files:
            save_file(dense_weights(files), folder / "1_Dense" / "model.safetensors")
        return kind(str(folder), device="cpu", model_kwargs={"attn_implementation": "eager"})


def dense_weights(files: dict) -> dict[str, torch.Tensor]:
    return weights_of("Dense", files["1_Dense/config.json"], "vector_kinds")


def numbers(tensor: torch.Tensor) -> list:
    return [[float(f"{value:.9g}") for value in row] for row in tensor.tolist()]


def sparse_case(base: Path, name: str, files: dict, top: int | None) -> dict:
    model = opened(SparseEncoder, base, files)
    def made(vectors: torch.Tensor) -> list[dict]:
        whole = vectors.to_dense()
        return [{"indices": row.nonzero()[:, 0].tolist(), "values": numbers(row[None, row > 0])[0]} for row in whole]
    options = {"batch_size": 1, "max_active_dims": top}
    return {"name": name, "files": files, **({"topK": top} if top else {}), "queries": made(model.encode_query(QUERIES, **options)), "documents": made(model.encode_document(DOCUMENTS, **options))}


def multi_case(base: Path, name: str, files: dict) -> dict:
    model = opened(MultiVectorEncoder, base, files)
    queries, documents = model.encode_query(QUERIES), model.encode_document(DOCUMENTS)
    weights = {"1_Dense": {key: value.tolist() for key, value in dense_weights(files).items()}}
    return {"name": name, "files": files, "weights": weights, "queries": [numbers(v) for v in queries], "documents": [numbers(v) for v in documents], "scores": numbers(model.similarity(queries, documents))}


def quantized(base: Path) -> dict:
    random = generator("pipelines/vector_kinds/quantize")
    vectors, others = torch.randn(7, 11, generator=random).numpy(), torch.randn(9, 11, generator=random).numpy()
    vectors[:, 3] = 0.5
    precisions = ["int8", "uint8", "binary", "ubinary"]
    return {
        "vectors": numbers(torch.tensor(vectors)), "calibration": numbers(torch.tensor(others)),
        "own": {name: quantize_embeddings(vectors, name).tolist() for name in precisions},
        "calibrated": {name: quantize_embeddings(vectors, name, calibration_embeddings=others).tolist() for name in precisions},
    }


def similarities(base: Path) -> dict:
    random = generator("pipelines/vector_kinds/similarity")
    a, b = torch.randn(2, 5, generator=random), torch.randn(3, 5, generator=random)
    model = opened(SentenceTransformer, base, {"modules.json": modules(("Pooling", "1_Pooling")), "1_Pooling/config.json": pooling("mean", embedding_dimension=16)})
    scores = {}
    for name in ("cosine", "dot", "euclidean", "manhattan"):
        model.similarity_fn_name = name
        scores[name] = numbers(model.similarity(a, b))
    return {"a": numbers(a), "b": numbers(b), "scores": scores}


def make() -> None:
    shutil.rmtree(TARGET, ignore_errors=True)
    base = TARGET / "base"
    save_base(base)
    goldens = {
        "texts": {"queries": QUERIES, "documents": DOCUMENTS},
        "sparse": [sparse_case(base, *case) for case in SPARSE],
        "multi": [multi_case(base, *case) for case in MULTI],
        "quantized": quantized(base),
        "similarity": similarities(base),
    }
    (TARGET / "goldens.json").write_text(json.dumps(goldens) + "\n")


if __name__ == "__main__":
    make()
