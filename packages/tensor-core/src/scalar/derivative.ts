/** Symbolic reverse-mode differentiation of a scalar expression: the gradient rule of `map`. */
import { expressionKey } from "./expression.ts";
import type { Expression } from "./expression.ts";
import { scalar } from "./functions.ts";
import { scalarTable } from "./table.ts";

/**
 * ∂(expression)/∂(input `index`) · `incoming`, or undefined where it is zero everywhere.
 * Equal subexpressions are visited once, so the result is as short as the expression is.
 */
export function differentiate(expression: Expression, index: number, incoming: Expression): Expression | undefined {
  const order: Expression[] = [];
  const seen = new Set<string>();
  visit(expression, seen, order);
  const adjoints = new Map<string, Expression>([[expressionKey(expression), incoming]]);
  for (const node of order.toReversed()) {
    const adjoint = adjoints.get(expressionKey(node));
    if (adjoint === undefined || node.kind !== "call") continue;
    const { derivative } = scalarTable[node.name];
    if (derivative === "none") continue;
    derivative(scalar, node.args, node).forEach((partial, position) => {
      const argument = node.args[position]!;
      if (partial === "none" || argument.kind === "constant") return;
      const key = expressionKey(argument);
      const contribution = scalar.mul(adjoint, partial);
      const before = adjoints.get(key);
      adjoints.set(key, before === undefined ? contribution : scalar.add(before, contribution));
    });
  }
  return adjoints.get(`x${index}`);
}

/** Arguments before the calls that use them, each distinct expression once. */
function visit(node: Expression, seen: Set<string>, order: Expression[]): void {
  const key = expressionKey(node);
  if (seen.has(key)) return;
  seen.add(key);
  if (node.kind === "call") for (const argument of node.args) visit(argument, seen, order);
  order.push(node);
}
