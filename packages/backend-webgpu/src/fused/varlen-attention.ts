/**
 * Attention over packed sequences, flash style (Dao et al. 2022), at a cost of O(T · window). Each thread finds its sequence in
 * cuSeqlens, so the host need not know it. Backward computes the probabilities again from the saved log-sum-exp: one pass over keys for
 * the gradient of the queries, one over queries for those of keys and values; no two threads write one place.
 */
import { expectNoDropout, firstRefusal } from "@modernbert-ts/device-kit";
import type { CompositeAttrs, FusedKernel, View } from "@modernbert-ts/tensor-core";
import type { Parameter } from "../device/dispatch.ts";
import { errorBinding } from "../kernels/bind.ts";
import { printKeys, printQueries } from "./attention-backward.ts";
import { printDirectForward } from "./attention-direct.ts";
import { printForward } from "./attention-forward.ts";
import { maxHeadSize, threads } from "./attention-common.ts";
import { blockTokens } from "./attention-frame.ts";
import { numberTypes } from "../wgsl/access.ts";
import { bindAll, supportsDense, withQuads, withTensor } from "./support.ts";
import type { Tools } from "./support.ts";

type Attrs = CompositeAttrs["varlenAttention"];
/** What is seen in groups of four; log-sum-exp, Δ and cuSeqlens are not. */
const quads = ["qkv", "y", "grad", "result"];

type Operands = Readonly<Record<string, View | null | undefined>>;

export function varlenAttention(tools: Tools): FusedKernel<"varlenAttention"> {
  const { device, clear } = tools;

  function dispatch(
    pass: "forward" | "queries" | "keys",
    { scale, window }: Attrs,
    qkv: View,
    outputs: Operands,
    inputs: Operands,
    print: (saves: boolean) => string,
  ): void {
    const [tokens, , heads, width] = qkv.shape as [number, number, number, number];
    // What is stored in f16 is multiplied so, in runs of four; probabilities and their gradients are f32, and so is what they weigh.
    const operands = [qkv, ...["grad", "y"].map((name) => inputs[name])];
    const half = device.features.f16Arithmetic && operands.every((view) => !view || view.dtype === "f16");
    const { bindings, bases, dtypes, accessors } = bindAll(
      device,
      "varlenAttention",
      outputs,
      { qkv, ...inputs },
      quads,
      half,
    );
    const saves = Boolean(outputs["lse"]);
    const direct = pass === "forward" && device.avoidsBarriers;
    const parameters: Parameter[] = [
      ["tokens", "u32", tokens],
      ["heads", "u32", heads],
      ["ends", "u32", inputs["cu"]!.shape[0]!],
      ["window", "u32", window === null ? tokens : Math.min(window, tokens)],
      ["quarter", "u32", width / 4],
      ["scale", "f32", scale],
      ...bases,
    ];
    device.stream.dispatch({
      key: `varlenAttention ${pass}${direct ? " direct" : ""}${saves ? " saving" : ""} ${dtypes}`,
      parameters,
      bindings: [...bindings, ...(pass === "forward" ? [errorBinding(device)] : [])],
      groups: direct ? Math.ceil((tokens * heads) / threads) : Math.ceil(tokens / blockTokens) * heads,
      body: () => `${numberTypes(half)}\n${accessors}\n${direct ? printDirectForward(saves) : print(saves)}`,
    });
  }

  return {
    supports(query) {
      const width = query.inputs[0]!.shape[3]!;
      if (width % 4 !== 0 || width === 0 || width > maxHeadSize) {
        return {
          reason: `the WebGPU kernel takes head sizes that are multiples of 4 up to ${maxHeadSize}, got ${width}`,
        };
      }
      return firstRefusal([supportsDense(device, "varlenAttention", query), expectNoDropout(query.attrs)]);
    },
    saved({ inputs }) {
      const [tokens, , heads] = inputs[0]!.shape as [number, number, number];
      return [{ shape: [tokens, heads], dtype: "f32" }];
    },
    backwardReads: { inputs: [0, 1], outputs: [0] },
    forward({ attrs, inputs: [qkv, cu], outputs: [out], saved: [lse] }) {
      if (out!.shape.includes(0)) return;
      withQuads(tools, [qkv!], ([aligned]) =>
        dispatch("forward", attrs, aligned, { y: out, lse }, { cu }, printForward),
      );
    },
    backward({ attrs, inputs: [qkv, cu], outputs: [out], saved: [lse], gradOutputs: [grad], gradInputs: [result] }) {
      if (!result) return;
      const [tokens, , heads] = qkv!.shape as [number, number, number];
      if (!grad || tokens * heads === 0) return clear(result);
      withQuads(tools, [qkv!, grad, out!], ([x, g, y]) => {
        withTensor(device, [tokens, heads], (delta) => {
          dispatch("queries", attrs, x, { result, delta }, { cu, lse, grad: g, y }, printQueries);
          dispatch("keys", attrs, x, { result }, { cu, lse, grad: g, delta }, printKeys);
        });
      });
    },
  };
}
