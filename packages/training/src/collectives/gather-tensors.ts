/** What ranks hold in parts, as one: for a checkpoint, which rank 0 writes. */
import { bytesOf } from "@modernbert-ts/tensor-core";
import type { Collective, DType, Runtime, Tensor } from "@modernbert-ts/tensor-core";
import type { NamedTensors } from "../optimizer/optimizer.ts";
import { gatherJson } from "./gather.ts";

/** Tensors that are fetched one by one, as they are read. */
export type ReadableTensors = ReadonlyMap<string, Pick<Tensor, "dtype" | "shape" | "read">>;

interface Layout {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/**
 * The tensors of all ranks, each from the first that holds it. Every rank calls it, and only rank 0 has something to read: all of them, once,
 * in their order. One at a time is on a rank that does not hold it.
 */
export async function gatherTensors(
  runtime: Runtime,
  collective: Collective,
  own: NamedTensors,
): Promise<ReadableTensors> {
  const layout = Array.from(own, ([name, { dtype, shape }]): Layout => ({ name, dtype, shape }));
  const held = (await gatherJson(runtime, collective, layout)) as Layout[][];
  const found = new Map<string, Layout & { readonly owner: number }>();
  for (const [owner, tensors] of held.entries())
    for (const tensor of tensors) if (!found.has(tensor.name)) found.set(tensor.name, { ...tensor, owner });
  const fetch = ({ name, dtype, shape, owner }: Layout & { readonly owner: number }): Tensor =>
    runtime.scope(() => {
      const tensor = collective.rank === owner ? own.get(name)! : runtime.empty(shape, dtype);
      collective.broadcast(tensor.view, owner);
      return tensor;
    });
  // Wide ones first, as files have them.
  const all = [...found.values()].sort((a, b) => bytesOf(b.dtype) - bytesOf(a.dtype));
  if (collective.rank > 0) {
    for (const tensor of all) if (tensor.owner > 0) runtime.scope(() => void fetch(tensor));
    return new Map();
  }
  return new Map(
    all.map((tensor) => [
      tensor.name,
      tensor.owner === 0
        ? own.get(tensor.name)!
        : {
            ...tensor,
            async read() {
              const fetched = fetch(tensor);
              try {
                return await fetched.read();
              } finally {
                fetched.dispose();
              }
            },
          },
    ]),
  );
}
