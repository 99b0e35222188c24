/** Every composite problem. */
import { attentionProblems } from "./attention.ts";
import { crossEntropyProblems } from "./cross-entropy.ts";
import { linearProblems } from "./linear.ts";
import { gluProblems, mlpProblems, normProblems, ropeProblems } from "./problems.ts";
import type { CompositeProblem } from "./problems.ts";
import { int4LinearProblems, int8LinearProblems } from "./quantized-linear.ts";
import { globalNormProblems, stableAdamWProblems } from "./stable-adamw.ts";

export function compositeProblems(): CompositeProblem[] {
  return [
    ...normProblems(),
    ...gluProblems(),
    ...mlpProblems(),
    ...ropeProblems(),
    ...attentionProblems(),
    ...crossEntropyProblems(),
    ...stableAdamWProblems(),
    ...globalNormProblems(),
    ...linearProblems(),
    ...int8LinearProblems(),
    ...int4LinearProblems(),
  ];
}
