/** The collective of a process that trains alone: what all ranks hold is what it holds. */
import { ShapeError } from "@modernbert-ts/tensor-core";
import type { Backend, Collective, View } from "@modernbert-ts/tensor-core";

/** World 1 on a backend: sums are the inputs themselves, so nothing runs but the copies that another output asks for. */
export function singleProcessCollective(backend: Backend): Collective {
  let failure: Error | undefined;
  const copyTo = (operation: string, input: View, output: View): void => {
    if (failure) throw failure;
    if (input.shape.join() !== output.shape.join()) {
      throw new ShapeError(
        operation,
        `expected views of one shape, got [${input.shape.join(", ")}] and [${output.shape.join(", ")}]`,
      );
    }
    const same = input.buffer === output.buffer && input.offset === output.offset;
    if (!same) backend.run("copy", [output], [input], {});
  };
  return {
    rank: 0,
    world: 1,
    allReduce: (input, output = input) => copyTo("allReduce", input, output),
    reduceScatter: (input, output) => copyTo("reduceScatter", input, output),
    allGather: (input, output) => copyTo("allGather", input, output),
    broadcast: (view) => copyTo("broadcast", view, view),
    group: (body) => body(),
    beside: (body) => body(),
    settle: () => undefined,
    async barrier() {
      if (failure) throw failure;
      await backend.synchronize();
    },
    abort(reason) {
      failure ??= reason;
    },
  };
}
