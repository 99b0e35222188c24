/** `copy` and `map`: a program of scalar functions, of which each step is one operation. */
import { compileProgram } from "@modernbert-ts/tensor-core";
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { fromFloat, toFloat } from "../dtypes.ts";
import { read, write } from "../operand.ts";
import type { Operand } from "../operand.ts";
import { scalarFunctions } from "../scalar-functions.ts";
import type { TfModule } from "../tfjs.ts";

export function elementwiseKernels(tf: TfModule): Pick<PrimitiveKernels<Operand>, "copy" | "map"> {
  return {
    copy([out], [x]) {
      const value = read(tf, x!);
      write(tf, out!, x!.storage === out!.storage ? value : fromFloat(tf, toFloat(tf, value, x!.dtype), out!.dtype));
    },

    map([out], inputs, { expression }) {
      const program = compileProgram(expression);
      const registers = inputs.slice(0, program.inputs).map((input) => toFloat(tf, read(tf, input), input.dtype));
      for (const step of program.instructions) {
        if (step.kind === "constant") {
          registers[step.target] = tf.scalar(step.value, "float32");
        } else {
          const [a, b, c] = step.args.map((register) => registers[register]!);
          registers[step.target] = scalarFunctions[step.name](tf, a!, b ?? a!, c ?? a!);
        }
      }
      write(tf, out!, fromFloat(tf, registers[program.result]!, out!.dtype));
    },
  };
}
