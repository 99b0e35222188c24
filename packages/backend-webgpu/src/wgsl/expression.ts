/**
 * Scalar expressions in WGSL, from the texts of the core's table. Constants are `let`s: in WGSL those are no constant expressions, so
 * that an infinity or an overflow among them is a value and not a compile error.
 */
import { compileProgram, scalarTable } from "@modernbert-ts/tensor-core";
import type { Expression, ScalarFunctionName } from "@modernbert-ts/tensor-core";

/** Where WGSL's own function is too inexact, or leaves NaN open. */
const overrides: Partial<Record<ScalarFunctionName, string>> = {
  exp: "exp_(a)",
  log: "log_(a)",
  sigmoid: "sigmoid_(a)",
  sin: "sin_reduced_(a, 0)",
  cos: "sin_reduced_(a, 1)",
  select: "select(c, b, nonzero_(a))",
};

/** A number as WGSL text of type f32. */
export function printNumber(value: number): string {
  const rounded = Math.fround(value);
  const ordinary = Number.isFinite(rounded) && (rounded === 0 || Math.abs(rounded) >= 2 ** -126);
  if (!ordinary) return `float_(${new Uint32Array(Float32Array.of(rounded).buffer)[0]}u)`;
  return Object.is(rounded, -0) ? "-0.0f" : `${rounded}f`;
}

/** @returns statements and the name of the result. */
export function printExpression(
  expression: Expression,
  input: (index: number) => string,
): { readonly lines: readonly string[]; readonly result: string } {
  const { inputs, instructions, result } = compileProgram(expression);
  const name = (register: number): string => (register < inputs ? input(register) : `r${register}`);
  const lines = instructions.map((instruction) => {
    if (instruction.kind === "constant") return `let r${instruction.target} = ${printNumber(instruction.value)};`;
    const { target, args } = instruction;
    const text = overrides[instruction.name] ?? scalarTable[instruction.name].wgsl;
    const operands: Record<string, string> = { a: name(args[0] ?? 0), b: name(args[1] ?? 0), c: name(args[2] ?? 0) };
    return `let r${target} = ${text.replace(/\b[abc]\b/g, (letter) => operands[letter]!)};`;
  });
  return { lines, result: name(result) };
}
