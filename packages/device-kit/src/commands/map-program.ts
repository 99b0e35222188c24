/**
 * Programs of `map` as attributes of a native command. Register reuse happens here: a long derived gradient has many values but few
 * of them alive at once, and an interpreter's registers have to stay close to it.
 */
import { compileProgram } from "@modernbert-ts/tensor-core";
import type { Expression, Instruction, Program, ScalarFunctionName } from "@modernbert-ts/tensor-core";

/** Operands of calls: 0… are temporaries, the rest inputs and constants. */
const inputOperands = 1 << 16;
const constantOperands = 1 << 17;

/**
 * The function expression → [temporaries, constants, calls, result, constant values…, then per call: function, target, a, b, c].
 * @param functions numbers the scalar functions as the library does, which may be another than that of the next backend.
 */
export function mapEncoder(
  functions: Readonly<Record<ScalarFunctionName, number>>,
): (expression: Expression) => readonly number[] {
  const encoded = new WeakMap<Program, readonly number[]>();
  return (expression) => {
    const program = compileProgram(expression);
    let attributes = encoded.get(program);
    if (!attributes) encoded.set(program, (attributes = encodeProgram(program, functions)));
    return attributes;
  };
}

function encodeProgram(program: Program, functions: Readonly<Record<ScalarFunctionName, number>>): readonly number[] {
  const lastUse = new Map<number, number>();
  program.instructions.forEach((instruction, at) => {
    if (instruction.kind === "call") for (const argument of instruction.args) lastUse.set(argument, at);
  });
  lastUse.set(program.result, program.instructions.length);

  const operands = new Map<number, number>();
  for (let input = 0; input < program.inputs; input++) operands.set(input, inputOperands + input);
  const constants: number[] = [];
  const calls: number[] = [];
  const free: number[] = [];
  let temporaries = 0;
  program.instructions.forEach((instruction: Instruction, at) => {
    if (instruction.kind === "constant") {
      operands.set(instruction.target, constantOperands + constants.length);
      constants.push(instruction.value);
      return;
    }
    const args = instruction.args.map((argument) => operands.get(argument)!);
    // A function reads each element before it writes it, so its target may be one of its last-used arguments.
    for (const argument of new Set(instruction.args)) {
      const operand = operands.get(argument)!;
      if (operand < inputOperands && lastUse.get(argument) === at) free.push(operand);
    }
    const target = free.pop() ?? temporaries++;
    operands.set(instruction.target, target);
    calls.push(functions[instruction.name], target, args[0] ?? 0, args[1] ?? 0, args[2] ?? 0);
  });
  return [temporaries, constants.length, calls.length / 5, operands.get(program.result)!, ...constants, ...calls];
}
