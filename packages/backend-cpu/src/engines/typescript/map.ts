/**
 * `map`: interprets the compiled program of an expression one block at a time. Registers are Float32Arrays (Float64Arrays when the
 * result is f64), so every step rounds exactly as f32 arithmetic does.
 */
import { compileProgram } from "@modernbert-ts/tensor-core";
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { mapFunctions } from "./map-functions.ts";
import { openStream, readStream, writeStream } from "./operand.ts";
import type { Block, Operand, Stream } from "./operand.ts";

/** Small enough that the registers of a long expression stay in the first-level cache. */
const registerLength = 512;

const registerFiles: { f32: Block[]; f64: Block[] } = { f32: [], f64: [] };

function registers(kind: "f32" | "f64", count: number): Block[] {
  const file = registerFiles[kind];
  while (file.length < count) {
    file.push(kind === "f64" ? new Float64Array(registerLength) : new Float32Array(registerLength));
  }
  return file;
}

/** One element for the whole map (a scalar, or broadcast along every axis). */
function isConstant(stream: Stream): boolean {
  return stream.strides.every((stride) => stride === 0);
}

export const mapKernels: Pick<PrimitiveKernels<Operand>, "map"> = {
  map([out], inputs, { expression }) {
    const program = compileProgram(expression);
    const file = registers(out!.dtype === "f64" ? "f64" : "f32", program.registers);
    const target = openStream(out!);
    const varying: { stream: Stream; register: Block }[] = [];
    if (target.size === 0) return;

    inputs.slice(0, program.inputs).forEach((input, index) => {
      const stream = openStream(input);
      if (isConstant(stream)) file[index]!.fill(constantOf(stream));
      else varying.push({ stream, register: file[index]! });
    });
    for (const step of program.instructions) if (step.kind === "constant") file[step.target]!.fill(step.value);

    for (let start = 0; start < target.size; start += registerLength) {
      const count = Math.min(registerLength, target.size - start);
      for (const { stream, register } of varying) readStream(stream, start, count, register);
      for (const step of program.instructions) {
        if (step.kind === "constant") continue;
        const [a, b, c] = step.args;
        const first = file[a!]!;
        mapFunctions[step.name](count, file[step.target]!, first, file[b ?? a!]!, file[c ?? a!]!);
      }
      writeStream(target, start, count, file[program.result]!);
    }
  },
};

const one = new Float64Array(1);

function constantOf(stream: Stream): number {
  readStream(stream, 0, 1, one);
  return one[0]!;
}
