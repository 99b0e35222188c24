"""Scores of drawn rankings by scikit-learn and sentence-transformers, for packages/training/test/retrieval.test.ts."""

import json
import random
from pathlib import Path


def write(path: Path) -> None:
    from sentence_transformers.evaluation import InformationRetrievalEvaluator
    from sklearn.metrics import ndcg_score

    draw = random.Random(5)
    documents = [f"d{at}" for at in range(40)]
    queries = []
    for _ in range(12):
        ranked = draw.sample(documents, len(documents))
        relevant = {document: draw.randrange(1, 4) for document in draw.sample(documents, draw.randrange(1, 7))}
        queries.append({"ranked": ranked, "relevant": relevant})

    ids = [f"q{at}" for at in range(len(queries))]
    evaluator = InformationRetrievalEvaluator(
        dict.fromkeys(ids, ""),
        dict.fromkeys(documents, ""),
        {name: set(query["relevant"]) for name, query in zip(ids, queries)},
        map_at_k=[100],
    )
    scores = evaluator.compute_metrics(
        [[{"corpus_id": document, "score": -at} for at, document in enumerate(query["ranked"])] for query in queries]
    )
    gains = [[query["relevant"].get(document, 0) for document in query["ranked"]] for query in queries]
    places = [list(range(len(documents), 0, -1))] * len(queries)
    path.write_text(
        json.dumps(
            {
                "queries": queries,
                "ndcg10": ndcg_score(gains, places, k=10),
                "map": scores["map@k"][100],
                "mrr10": scores["mrr@k"][10],
                "recall10": scores["recall@k"][10],
            }
        )
        + "\n"
    )


if __name__ == "__main__":
    write(Path(__file__).parents[2] / "packages" / "training" / "test" / "fixtures" / "metrics" / "ranking.json")
