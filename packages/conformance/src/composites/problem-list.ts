/** Every composite problem. */
import { attentionProblems } from "./attention.ts";
import { crossEntropyProblems } from "./cross-entropy.ts";
import { int8LinearProblems, linearProblems } from "./linear.ts";
import { gluProblems, normProblems, ropeProblems } from "./problems.ts";
import type { CompositeProblem } from "./problems.ts";
import { stableAdamWProblems } from "./stable-adamw.ts";

export function compositeProblems(): CompositeProblem[] {
  return [
    ...normProblems(),
    ...gluProblems(),
    ...ropeProblems(),
    ...attentionProblems(),
    ...crossEntropyProblems(),
    ...stableAdamWProblems(),
    ...linearProblems(),
    ...int8LinearProblems(),
  ];
}
