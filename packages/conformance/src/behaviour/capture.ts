/** Captured commands: replayed on new inputs they give what running them anew gives, and nobody else gets their memory. */
import { Runtime, UnsupportedError, add, dropout, stepWords } from "@modernbert-ts/tensor-core";
import type { Captured, Tensor } from "@modernbert-ts/tensor-core";
import { expectThat } from "../case.ts";
import type { ConformanceCase } from "../case.ts";
import { createBlock, forward, lossAndGradients, readAll, rows, width } from "./captured-block.ts";
import type { Block } from "./captured-block.ts";

/** Replays on three inputs and compares with the same work run anew, bit by bit. */
async function compareWithEager(
  block: Block,
  captured: Captured<readonly Tensor[]>,
  eager: () => readonly Tensor[],
): Promise<void> {
  for (let round = 0; round < 3; round++) {
    block.runtime.write(block.input, block.fresh());
    captured.replay();
    const fresh = eager();
    const [got, want] = await Promise.all([readAll(captured.value), readAll(fresh)]);
    fresh.forEach((tensor) => tensor.dispose());
    const wrong = got.findIndex((value, at) => value !== want[at]);
    expectThat(wrong < 0, `expected ${want[wrong]} at ${wrong} of replay ${round}, got ${got[wrong]}`);
  }
}

/** The message with which `action` refuses; the capture around it must fail, too, or the error was swallowed. */
function refusal(runtime: Runtime, action: () => unknown): string {
  try {
    runtime.capture(() => void action()).dispose();
  } catch (error) {
    if (error instanceof UnsupportedError) return error.message;
    throw error;
  }
  return "nothing";
}

const requires = { arithmetic: ["f32"], capture: true, deterministic: true } as const;

export function captureCases(): ConformanceCase[] {
  return [
    {
      name: "capture / a forward pass replayed on new inputs",
      requires,
      async run({ backend, random }) {
        const block = createBlock(backend, random);
        const captured = block.runtime.capture(() => [forward(block)]);
        await compareWithEager(block, captured, () => [forward(block)]);
        captured.dispose();
        block.dispose();
      },
    },
    {
      name: "capture / a loss with its gradients replayed on new inputs",
      requires,
      async run({ backend, random }) {
        const block = createBlock(backend, random);
        const captured = block.runtime.capture(() => lossAndGradients(block));
        await compareWithEager(block, captured, () => lossAndGradients(block));
        captured.dispose();
        block.dispose();
      },
    },
    {
      name: "capture / dropout with the masks of the step that was written before each replay",
      requires: { ...requires, arithmetic: ["f32", "u32"] },
      async run({ backend, random }) {
        const block = createBlock(backend, random);
        const { runtime, input } = block;
        const step = runtime.tensor(stepWords(0), [2], "u32");
        const masked = (at: number | Tensor): Tensor => dropout(input, 0.5, { seed: 1, stream: 2, step: at });
        const captured = runtime.capture(() => [masked(step)]);
        for (const number of [1, 2, 2 ** 32 + 1]) {
          runtime.write(step, stepWords(number));
          captured.replay();
          const fresh = [masked(number)];
          const [got, want] = await Promise.all([readAll(captured.value), readAll(fresh)]);
          fresh[0]!.dispose();
          expectThat(
            got.every((value, at) => value === want[at]),
            `expected the mask of step ${number}`,
          );
        }
        captured.dispose();
        step.dispose();
        block.dispose();
      },
    },
    {
      name: "capture / recording runs nothing, a replay each time",
      requires,
      async run({ backend }) {
        const runtime = new Runtime(backend);
        const count = runtime.tensor([0], [1]);
        const one = runtime.tensor([1], [1]);
        const captured = runtime.capture(() => {
          const next = add(count, one);
          backend.run("copy", [count.view], [next.view], {});
        });
        const before = await count.item();
        for (let i = 0; i < 5; i++) captured.replay();
        const after = await count.item();
        expectThat(before === 0 && after === 5, `expected 0, then 5 after five replays, got ${before} and ${after}`);
        captured.dispose();
        for (const tensor of [count, one]) tensor.dispose();
      },
    },
    {
      name: "capture / memory is flat across replays and given back at dispose",
      requires,
      async run({ backend, random }) {
        const block = createBlock(backend, random);
        const cycle = async (): Promise<void> => {
          const captured = block.runtime.capture(() => lossAndGradients(block));
          const held = backend.memory();
          for (let i = 0; i < 20; i++) captured.replay();
          await backend.synchronize();
          const after = backend.memory();
          expectThat(after.liveBuffers === held.liveBuffers, "expected as many live buffers after twenty replays");
          expectThat(after.activeBytes === held.activeBytes, "expected as many active bytes after twenty replays");
          captured.dispose();
          captured.dispose();
        };
        const before = backend.memory();
        await cycle();
        const { allocations } = backend.memory();
        await cycle();
        const after = backend.memory();
        expectThat(after.liveBuffers === before.liveBuffers, "expected as many live buffers as before the capture");
        expectThat(after.activeBytes === before.activeBytes, "expected as many active bytes as before the capture");
        expectThat(after.allocations === allocations, "expected the next capture to use the memory of the last one");
        block.dispose();
      },
    },
    {
      name: "capture / buffers of a live capture are never handed out",
      requires,
      async run({ backend, random }) {
        const block = createBlock(backend, random);
        const captured = block.runtime.capture(() => lossAndGradients(block));
        captured.replay();
        const want = await readAll(captured.value);
        // The capture reads the parameters, whoever made them lets go of them; others fill all that the pool has.
        block.weight.dispose();
        block.scale.dispose();
        const others = [1, 4, width, rows * width, 2 * width * width].flatMap((size) =>
          Array.from({ length: 12 }, () => block.runtime.tensor(new Float32Array(size).fill(7), [size])),
        );
        captured.replay();
        const got = await readAll(captured.value);
        const kept = await readAll(others);
        expectThat(
          got.every((value, at) => value === want[at]),
          "expected the same results after others took memory",
        );
        expectThat(
          kept.every((value) => value === 7),
          "expected a replay to write to no buffer of others",
        );
        others.forEach((tensor) => tensor.dispose());
        captured.dispose();
        block.dispose();
      },
    },
    {
      name: "capture / what a replay would not repeat is refused by name",
      requires,
      async run({ backend, random }) {
        const block = createBlock(backend, random);
        const { runtime, input } = block;
        const refused = {
          tensor: () => runtime.tensor([1], [1]),
          write: () => runtime.write(input, block.fresh()),
          capture: () => runtime.capture(() => undefined),
        };
        for (const [operation, action] of Object.entries(refused)) {
          const message = refusal(runtime, action);
          expectThat(message.startsWith(`[${operation}] `), `expected [${operation}] to be refused, got ${message}`);
        }
        let reading: Promise<unknown> = Promise.resolve();
        runtime.capture(() => void (reading = input.read())).dispose();
        const error = await reading.then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expectThat(error instanceof UnsupportedError, "expected a read inside a capture to be refused");
        const output = forward(block);
        expectThat((await output.read()).every(Number.isFinite), "expected the backend to work after a refusal");
        output.dispose();
        block.dispose();
      },
    },
    {
      name: "capture / refused by name where the backend cannot record",
      async run({ backend, skip }) {
        if (backend.capture) skip("the backend records commands");
        const message = refusal(new Runtime(backend), () => undefined);
        expectThat(message.startsWith("[capture] "), `expected an UnsupportedError of [capture], got ${message}`);
      },
    },
  ];
}
