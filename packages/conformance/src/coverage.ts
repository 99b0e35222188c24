/** What a run covered, as Markdown: primitives and composites by dtype and pass, and every skip with its reason. */
import { compositeDefinitions, dtypes, gradientRules } from "@modernbert-ts/tensor-core";
import type { CompositeName, PrimitiveName } from "@modernbert-ts/tensor-core";
import type { Coverage } from "./case.ts";
import type { CaseResult } from "./run.ts";

export interface CoverageRun {
  /** What was tested, as people call it. */
  readonly name: string;
  /** `capabilities.device` of the backend. */
  readonly device: string;
  readonly results: readonly CaseResult[];
}

/** ✓ all that ran passed, ✗ something failed, – all was skipped, empty: no case asks for it. */
type Mark = "✓" | "✗" | "–" | "";

function mark(results: readonly CaseResult[], wanted: Partial<Coverage>): Mark {
  const matches = (cell: Coverage): boolean => {
    return (Object.keys(wanted) as (keyof Coverage)[]).every((key) => cell[key] === wanted[key]);
  };
  const statuses = results.filter((result) => result.case.covers?.some(matches)).map(({ outcome }) => outcome.status);
  if (statuses.includes("failed")) return "✗";
  if (statuses.includes("passed")) return "✓";
  return statuses.length > 0 ? "–" : "";
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, header.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function primitiveTable(results: readonly CaseResult[]): string {
  const names = Object.keys(gradientRules) as PrimitiveName[];
  const rows = names.map((operation) => [
    `\`${operation}\``,
    ...dtypes.map((dtype) => mark(results, { operation, pass: "forward", dtype })),
    gradientRules[operation] === "none" ? "none" : mark(results, { operation, pass: "backward" }),
  ]);
  return table(["primitive", ...dtypes, "gradient"], rows);
}

function compositeTable(results: readonly CaseResult[]): string {
  const names = Object.keys(compositeDefinitions) as CompositeName[];
  const columns = (["reference", "fused"] as const).flatMap((mode) =>
    (["forward", "backward"] as const).map((pass) => ({ mode, pass })),
  );
  const rows = names.map((operation) => {
    const hasGradient = compositeDefinitions[operation].differentiable !== false;
    const cells = columns.map(({ mode, pass }) => {
      if (pass === "backward" && !hasGradient) return "none";
      const marks = dtypes.map((dtype) => ({ dtype, is: mark(results, { operation, mode, pass, dtype }) }));
      if (marks.every(({ is }) => is === "–" || is === "")) return "–";
      return marks.flatMap(({ dtype, is }) => (is === "✓" || is === "✗" ? [`${is} ${dtype}`] : [])).join(", ");
    });
    return [`\`${operation}\``, ...cells];
  });
  return table(["composite", ...columns.map(({ mode, pass }) => `${mode}, ${pass}`)], rows);
}

function skipList(results: readonly CaseResult[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of results) {
    if (outcome.status === "skipped") counts.set(outcome.reason, (counts.get(outcome.reason) ?? 0) + 1);
  }
  if (counts.size === 0) return "Nothing was skipped.";
  return ["Skipped:", "", ...[...counts].map(([reason, count]) => `- ${count} × ${reason}`)].join("\n");
}

/** A Markdown section for one run. */
export function coverageReport({ name, device, results }: CoverageRun): string {
  const count = (status: string): number => results.filter(({ outcome }) => outcome.status === status).length;
  const summary = `${device}. ${count("passed")} cases passed, ${count("failed")} failed, ${count("skipped")} were skipped.`;
  return [`## ${name}`, summary, primitiveTable(results), compositeTable(results), skipList(results)].join("\n\n");
}
