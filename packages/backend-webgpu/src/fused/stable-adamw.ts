/**
 * `stableAdamW` in three steps without a wait: moments and the partial sums of the update's mean square, their total, the parameters.
 * Tensors beyond a binding are gone through in windows.
 */
import type { FusedKernel, View } from "@modernbert-ts/tensor-core";
import { sizeOf } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/dispatch.ts";
import type { Parameter } from "../device/dispatch.ts";
import { halfGroup, printReductions, sumOf, groupThreads as threads } from "../wgsl/reduction.ts";
import { bindAll, reshaped, rowsOf, supportsDense, withTensor } from "./support.ts";
import type { Tools } from "./support.ts";

/** Elements whose ratios a workgroup sums. */
const groupElements = 1024;

export function stableAdamW({ device, primitives }: Tools): FusedKernel<"stableAdamW"> {
  const window = Math.floor((device.maxBindingBytes / 4 - device.bindingAlignment) / groupElements) * groupElements;

  function dispatch(
    key: string,
    count: number,
    outputs: Record<string, View>,
    inputs: Record<string, View>,
    body: () => string,
    more: readonly Parameter[] = [],
  ): void {
    const { bindings, bases } = bindAll(device, "stableAdamW", outputs, inputs);
    device.stream.dispatch({
      key: `stableAdamW ${key}`,
      parameters: [["count", "u32", count], halfGroup, ...bases, ...more],
      bindings,
      groups: Math.ceil(count / groupElements),
      body,
    });
  }

  return {
    supports: (query) => supportsDense(device, "stableAdamW", query, { windows: true, dtypes: ["f32"] }),
    saved: () => [],
    backwardReads: { inputs: [], outputs: [] },
    forward({ inputs }) {
      const [p, g, m, v, control, scale] = inputs as readonly View[] as [View, View, View, View, View, View];
      const size = sizeOf(p.shape);
      if (size === 0) return;
      const windows: [from: number, count: number][] = [];
      for (let from = 0; from < size; from += window) windows.push([from, Math.min(window, size - from)]);
      const part = (view: View, [from, count]: [number, number]): View => rowsOf(reshaped(view, [size]), from, count);
      withTensor(device, [Math.ceil(size / groupElements)], (partial) => {
        for (const range of windows) {
          const [from, count] = range;
          dispatch(
            "moments",
            count,
            { m: part(m, range), v: part(v, range), partial },
            { g: part(g, range), control, scale },
            () => printMoments(device.features.subgroups),
            [["first_group", "u32", from / groupElements]],
          );
        }
        withTensor(device, [1], (total) => {
          primitives.reduce([total], [partial], { kind: "sum", axes: [0] });
          for (const range of windows) {
            const moments = { m: part(m, range), v: part(v, range), control, scale, total };
            dispatch("parameters", range[1], { weights: part(p, range) }, moments, printParameters, [
              ["size", "f32", size],
            ]);
          }
        });
      });
    },
    backward: "none",
  };
}

const each = `for (var i = group_at * ${groupElements}u + local; i < min(p.count, (group_at + 1u) * ${groupElements}u); i += ${threads}u)`;

function printMoments(subgroups: boolean): string {
  return `${printReductions(subgroups, sumOf("f32"))}
@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let group_at = ${groupIndex};
  if (group_at * ${groupElements}u >= p.count) { return; }
  let scale_by = scale[p.scale_base];
  let beta1 = control[p.control_base + 1u];
  let beta2 = control[p.control_base + 2u];
  let eps = control[p.control_base + 3u];
  var sum = 0.0;
  if (nonzero_(scale_by)) {
    ${each} {
      let gradient = g[p.g_base + i] * scale_by;
      let second = beta2 * v[p.v_base + i] + (1.0 - beta2) * gradient * gradient;
      m[p.m_base + i] = beta1 * m[p.m_base + i] + (1.0 - beta1) * gradient;
      v[p.v_base + i] = second;
      sum += gradient * gradient / max(second, eps * eps);
    }
  }
  let total = sum_of(sum, local);
  if (local == 0u) { partial[p.partial_base + p.first_group + group_at] = total; }
}`;
}

function printParameters(): string {
  return `@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let group_at = ${groupIndex};
  if (group_at * ${groupElements}u >= p.count || !nonzero_(scale[p.scale_base])) { return; }
  let rate = control[p.control_base] / max(1.0, sqrt(total[p.total_base] / p.size));
  let eps = control[p.control_base + 3u];
  let keep = 1.0 - rate * control[p.control_base + 4u];
  ${each} {
    let update = rate * m[p.m_base + i] / (sqrt(v[p.v_base + i]) + eps);
    weights[p.weights_base + i] = weights[p.weights_base + i] * keep - update;
  }
}`;
}
