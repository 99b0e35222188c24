/** The plan of a model's own head, once the labels are known to be its. */
import type { Encoder } from "../encoder.ts";
import type { ForwardInputs, HeadPlan } from "./definition.ts";
import { expectLabels } from "./input-labels.ts";
import { heads } from "./registry.ts";

/** @throws BatchError when the labels are not those of the model's head. */
export function planHead(model: Encoder, inputs: ForwardInputs): HeadPlan {
  const head = heads[model.head];
  expectLabels(inputs, model.head, head.labelNames);
  return head.plan(model, inputs);
}
