"""Scores by scikit-learn and scipy on drawn labels, for packages/training/test/metrics.test.ts. Needs both: pip install scikit-learn."""

import json
import random
from pathlib import Path


def write(folder: Path) -> None:
    from scipy.stats import pearsonr, spearmanr
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

    draw = random.Random(3)
    wanted = [draw.randrange(4) for _ in range(60)]
    predicted = [label if draw.random() < 0.6 else draw.randrange(4) for label in wanted]
    binary = [[min(label, 1) for label in side] for side in (wanted, predicted)]
    sets = [[[draw.randrange(2) for _ in range(3)] for _ in range(40)] for _ in range(2)]
    numbers = [[float(draw.randrange(12)) for _ in range(50)] for _ in range(2)]
    numbers[1] = [value + other / 3 for value, other in zip(*numbers)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "golden.json").write_text(
        json.dumps(
            {
                "classes": {
                    "wanted": wanted,
                    "predicted": predicted,
                    "accuracy": accuracy_score(wanted, predicted),
                    "macroF1": f1_score(wanted, predicted, average="macro"),
                    "matthews": matthews_corrcoef(wanted, predicted),
                    "binaryF1": f1_score(*binary),
                },
                "sets": {
                    "wanted": sets[0],
                    "predicted": sets[1],
                    "accuracy": accuracy_score(*sets),
                    "microF1": f1_score(*sets, average="micro"),
                    "macroF1": f1_score(*sets, average="macro"),
                },
                "numbers": {
                    "a": numbers[0],
                    "b": numbers[1],
                    "pearson": pearsonr(*numbers).statistic,
                    "spearman": spearmanr(*numbers).statistic,
                },
            },
            indent=None,
        )
        + "\n"
    )


if __name__ == "__main__":
    write(Path(__file__).parents[2] / "packages" / "training" / "test" / "fixtures" / "metrics")
