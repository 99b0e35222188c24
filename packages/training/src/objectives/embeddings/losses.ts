/** Losses of sentence vectors, each a sum over examples. All read vectors [S, k] of every sequence of the step, and who is who among them. */
import { crossEntropy } from "@modernbert-ts/encoder";
import {
  add,
  concat,
  iota,
  logSumExp,
  map,
  matmul,
  reshape,
  scalar,
  scale,
  sub,
  sum,
  sumAll,
  transpose,
  x,
} from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { choiceOf } from "../settings.ts";
import type { SettingValues } from "../settings.ts";

export const embeddingLosses = ["info_nce", "scored", "kl", "mse", "cosine"] as const;
export type EmbeddingLoss = (typeof embeddingLosses)[number];

export function embeddingLossOf(values: SettingValues): EmbeddingLoss {
  return choiceOf(values, "loss", embeddingLosses);
}

/** Rows of vectors by what they are in their examples. */
export interface Roles {
  /** The first sequence of each example [B, k]. */
  readonly anchors: Tensor;
  /** The second [B, k]; null where examples have one sequence. */
  readonly positives: Tensor | null;
  /** All others [M, k]; null where there are none. */
  readonly negatives: Tensor | null;
  /** Numbers of the examples [B, n]; null where they have none. */
  readonly targets: Tensor | null;
}

/** Vectors of length 1, [N, k]; a vector of zeros stays one. */
export function unit(vectors: Tensor): Tensor {
  const { runtime } = vectors;
  return runtime.scope(() => {
    const squares = sum(map(scalar.mul(x(0), x(0)), [vectors]), [1]);
    return map(scalar.mul(x(0), scalar.rsqrt(scalar.max(x(1), 1e-24))), [vectors, squares]);
  });
}

/** −log softmax of each query's own document, which has its number, among all: scores [B, M], M at least B. */
export function ownAmongAll(scores: Tensor): Tensor {
  const { runtime } = scores;
  return runtime.scope(() => {
    const count = scores.shape[0]!;
    const labels = { values: reshape(iota(runtime, [1, count], "i32"), [count, 1]), count };
    return crossEntropy("ownAmongAll", scores, labels, { numItems: 1 }).lossSum;
  });
}

/** [B, k], [M, k] → [B, M], divided by the temperature. */
function products(queries: Tensor, documents: Tensor, temperature: number): Tensor {
  return queries.runtime.scope(() => scale(matmul(queries, transpose(documents)), 1 / temperature));
}

/** Each positive among all positives and negatives of the step; symmetric: and each anchor among all anchors. */
export function infoNce(roles: Roles, temperature: number, symmetric: boolean): Tensor {
  const { anchors, positives, negatives } = roles;
  const own = positives!;
  return anchors.runtime.scope(() => {
    const candidates = negatives ? concat([own, negatives], 0) : own;
    const forwards = ownAmongAll(products(anchors, candidates, temperature));
    if (!symmetric) return forwards;
    return scale(add(forwards, ownAmongAll(products(own, anchors, temperature))), 0.5);
  });
}

/** (cos(anchor, positive) − score)². */
export function scoredLoss({ anchors, positives, targets }: Roles): Tensor {
  return anchors.runtime.scope(() => sumAll(map(squaredDifference, [rowProducts(anchors, positives!), targets!])));
}

/**
 * KL(teacher ‖ student) over the candidates of each example: softmax of the teacher's scores, and of the cosines by `temperature`.
 * Negatives lie example by example.
 */
export function klLoss({ anchors, positives, negatives, targets }: Roles, temperature: number): Tensor {
  return anchors.runtime.scope(() => {
    const [count, width] = anchors.shape as [number, number];
    const ofPositives = rowProducts(anchors, positives!);
    let cosines = ofPositives;
    if (negatives) {
      const each = negatives.shape[0]! / count;
      const grouped = reshape(negatives, [count, each, width]);
      const ofNegatives = matmul(grouped, reshape(anchors, [count, width, 1]));
      cosines = concat([ofPositives, reshape(ofNegatives, [count, each])], 1);
    }
    const student = scale(cosines, 1 / temperature);
    const teacher = map(scalar.exp(scalar.sub(x(0), x(1))), [targets!, logSumExp(targets!)]);
    const surprise = sub(sub(targets!, logSumExp(targets!)), sub(student, logSumExp(student)));
    return sumAll(map(scalar.mul(x(0), x(1)), [teacher, surprise]));
  });
}

/** Mean of the squared differences from a teacher's vector. */
export function vectorMse({ anchors, targets }: Roles): Tensor {
  return anchors.runtime.scope(() => scale(sumAll(map(squaredDifference, [anchors, targets!])), 1 / anchors.shape[1]!));
}

/** 1 − cos(vector, teacher's vector). */
export function vectorCosine({ anchors, targets }: Roles): Tensor {
  return anchors.runtime.scope(() => sumAll(map(scalar.sub(1, x(0)), [rowProducts(unit(anchors), unit(targets!))])));
}

const squaredDifference = scalar.mul(scalar.sub(x(0), x(1)), scalar.sub(x(0), x(1)));

/** [N, k], [N, k] → [N, 1] */
function rowProducts(a: Tensor, b: Tensor): Tensor {
  return a.runtime.scope(() => sum(map(scalar.mul(x(0), x(1)), [a, b]), [1]));
}
