/** What the classification heads share: the linear layer behind the features, its settings, and its parameters. */
import { cast } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { fail } from "../config/json-fields.ts";
import type { JsonFields, JsonObject } from "../config/json-fields.ts";
import type { Encoder } from "../encoder.ts";
import { drop } from "../forward-options.ts";
import type { ForwardOptions } from "../forward-options.ts";
import type { Pooling, ProblemType } from "../info.ts";
import type { ParameterSpec, SharedNames } from "../kind.ts";
import type { ClassifierConfig, HeadConfig } from "../config/head-config.ts";

/** [M, d] → [M, C]: dropout of the features, classifier; the logits in the dtype of losses. */
export function classify(model: Encoder, features: Tensor, options: ForwardOptions): Tensor {
  const { runtime, precision, names } = model;
  return runtime.scope(() => {
    const kept = drop(features, model.classifierDropout, "classifier", options);
    return cast(model.project(kept, names.classifier), precision.reduce);
  });
}

export function classifierParameters(
  { hiddenSize }: HeadConfig,
  { classifier }: SharedNames,
  width: number,
): (readonly [string, ParameterSpec])[] {
  return [
    [`${classifier}.weight`, { shape: [width, hiddenSize], role: "classifier", head: true }],
    [`${classifier}.bias`, { shape: [width], role: "bias", head: true }],
  ];
}

const poolings: Readonly<Record<string, Pooling>> = { cls: "cls", mean: "mean" };

const problemTypes: Readonly<Record<string, ProblemType>> = {
  regression: "regression",
  single_label_classification: "single_label_classification",
  multi_label_classification: "multi_label_classification",
};

const mostLabels = 1_000_000;

export function parseClassifier(fields: JsonFields): ClassifierConfig {
  return {
    classifierPooling: fields.choice("classifier_pooling", "cls", poolings),
    labels: parseLabels(fields),
    problemType: fields.raw("problem_type") === null ? null : fields.choice("problem_type", null, problemTypes),
  };
}

export function classifierToJSON({ classifierPooling, labels, problemType }: ClassifierConfig): JsonObject {
  return {
    classifier_pooling: classifierPooling,
    id2label: Object.fromEntries(labels.map((name, id) => [String(id), name])),
    label2id: Object.fromEntries(labels.map((name, id) => [name, id])),
    ...(problemType === null ? {} : { problem_type: problemType }),
  };
}

/** Class names from `id2label`, or `num_labels` nameless ones; two when neither is there, as in transformers. */
function parseLabels(fields: JsonFields): string[] {
  const named = fields.raw("id2label") ?? null;
  const count = fields.raw("num_labels") ?? null;
  if (named === null) {
    const length = count === null ? 2 : fields.integer("num_labels", 2, 1, mostLabels);
    return Array.from({ length }, (_, id) => `LABEL_${id}`);
  }
  const names = fields.object("id2label");
  const length = Object.keys(names).length;
  if (length === 0 || length > mostLabels) fields.fail("id2label", `an object with 1 to ${mostLabels} names`);
  if (count !== null && count !== length) fields.fail("num_labels", `${length}, the number of names in id2label`);
  return Array.from({ length }, (_, id) => {
    const name = Object.hasOwn(names, String(id)) ? names[String(id)] : undefined;
    return typeof name === "string" ? name : fail(`id2label["${id}"]`, "a name (ids count from 0)", name);
  });
}
