/**
 * An expression as a straight line of register instructions, for backends that interpret it block by block (all CPU engines).
 * Registers 0…inputs-1 hold the inputs; equal subexpressions are computed once.
 */
import { expressionKey, inputCount } from "./expression.ts";
import type { Expression } from "./expression.ts";
import type { ScalarFunctionName } from "./table.ts";

export type Instruction =
  | { readonly kind: "constant"; readonly target: number; readonly value: number }
  | {
      readonly kind: "call";
      readonly target: number;
      readonly name: ScalarFunctionName;
      readonly args: readonly number[];
    };

export interface Program {
  readonly inputs: number;
  readonly registers: number;
  readonly instructions: readonly Instruction[];
  /** The register that holds the value at the end. */
  readonly result: number;
}

const programs = new WeakMap<Expression, Program>();

/** Compiles an expression; the same expression object is compiled once. */
export function compileProgram(expression: Expression): Program {
  const known = programs.get(expression);
  if (known) return known;
  const inputs = inputCount(expression);
  const registers = new Map<string, number>();
  const instructions: Instruction[] = [];
  const emit = (node: Expression): number => {
    if (node.kind === "input") return node.index;
    const key = expressionKey(node);
    const existing = registers.get(key);
    if (existing !== undefined) return existing;
    const args = node.kind === "call" ? node.args.map(emit) : [];
    const target = inputs + registers.size;
    registers.set(key, target);
    if (node.kind === "constant") instructions.push({ kind: "constant", target, value: node.value });
    else instructions.push({ kind: "call", target, name: node.name, args });
    return target;
  };
  const result = emit(expression);
  const program = { inputs, registers: inputs + registers.size, instructions, result };
  programs.set(expression, program);
  return program;
}
