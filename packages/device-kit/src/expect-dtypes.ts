/** Why a fused kernel refuses tensors for their dtype: the answers of `supports`, in one wording for all backends. */
import type { CompositeName, DType, TensorSpec } from "@modernbert-ts/tensor-core";

/** true, or the reason that `fusedReport()` counts. */
export type Answer = true | { readonly reason: string };

/** Values, of whatever dtype a kernel takes; whole numbers; or what a kernel refuses unless it says that it takes it. */
type Kind = "values" | "i32" | "extra";

/** Those with a fixed number of inputs. */
export type FixedComposite = Exclude<CompositeName, "stableAdamWAll" | "globalNorm">;

/** The inputs of the composites, by name and in order. */
const inputsOf: Readonly<Record<FixedComposite, Readonly<Record<string, Kind>>>> = {
  layerNorm: { x: "values", weight: "values", bias: "values" },
  residualLayerNorm: { x: "values", delta: "values", weight: "values", bias: "values", step: "extra" },
  glu: { x: "values" },
  rope: { qkv: "values", cos: "values", sin: "values", positions: "i32" },
  mlp: { x: "values", wi: "values", bi: "values", wo: "values", bo: "values" },
  varlenAttention: {
    qkv: "values",
    cuSeqlens: "i32",
    cos: "extra",
    sin: "extra",
    positions: "extra",
    keyCounts: "extra",
    step: "extra",
  },
  linearCrossEntropy: { hidden: "values", weight: "values", bias: "values", labels: "i32" },
  stableAdamW: { p: "values", g: "values", m: "values", v: "values", control: "values", gradScale: "values" },
  linear: { x: "values", weight: "values", bias: "values" },
  int8Linear: { x: "values", weight: "i32", scales: "values", bias: "values" },
  int4Linear: { x: "values", weight: "i32", scales: "values", bias: "values" },
};

/**
 * Whether every input that is there has a dtype that the kernel takes.
 * @param values The dtypes of all but whole numbers. Default f32.
 * @param others The dtypes of single inputs by name, where they differ.
 */
export function expectDtypes(
  composite: FixedComposite,
  inputs: readonly (TensorSpec | null)[],
  values: readonly DType[] = ["f32"],
  others: Readonly<Record<string, readonly DType[]>> = {},
): Answer {
  const kinds = inputsOf[composite];
  let at = 0;
  for (const name in kinds) {
    const kind = kinds[name]!;
    const taken = others[name] ?? (kind === "values" ? values : kind === "extra" ? [] : [kind]);
    const answer = expectDtype(name, inputs[at++], taken);
    if (answer !== true) return answer;
  }
  return true;
}

/** Whether a tensor, if it is there, has one of `dtypes`. */
export function expectDtype(name: string, tensor: TensorSpec | null | undefined, dtypes: readonly DType[]): Answer {
  if (!tensor || dtypes.includes(tensor.dtype)) return true;
  if (dtypes.length === 0) return { reason: `the fused kernel takes no ${name}` };
  return { reason: `the fused kernel takes ${name} in ${dtypes.join(" or ")}, got ${tensor.dtype}` };
}

/** For kernels without it. */
export function expectNoDropout({ dropout }: { readonly dropout: unknown }): Answer {
  return dropout === null ? true : { reason: "the fused kernel drops nothing" };
}

/** The first answer that is not true, else true. */
export function firstRefusal(answers: readonly Answer[]): Answer {
  return answers.find((answer) => answer !== true) ?? true;
}
