"""Makes every golden fixture of the repository: `python tooling/reference/make.py`. README.md says what each holds."""

import peft
import sentence_transformers
import torch
import transformers

import adamw_fixture
import bert_fixtures
import bert_folders_fixture
import bf16_fixture
import detection_fixture
import label_fixture
import lora_fixture
import model_fixtures
import model_table_fixture
import optimizer_fixture
import safetensors_fixture
import sentence_fixture
import vector_kinds_fixture

WANTED = {"torch": "2.13.0", "transformers": "5.17.0", "sentence_transformers": "6.0.1", "peft": "0.21.0"}


def main() -> None:
    for module in (torch, transformers, sentence_transformers, peft):
        version = module.__version__.split("+")[0]
        if version != WANTED[module.__name__]:
            raise SystemExit(f"expected {module.__name__} {WANTED[module.__name__]}, got {version}: pip install -r tooling/reference/requirements.txt")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for fixtures in (model_fixtures, bf16_fixture, bert_fixtures, optimizer_fixture, adamw_fixture, lora_fixture, safetensors_fixture, sentence_fixture, label_fixture, bert_folders_fixture, vector_kinds_fixture, model_table_fixture, detection_fixture):
        fixtures.make()


if __name__ == "__main__":
    main()
