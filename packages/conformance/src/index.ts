/** The suite that every backend must pass. Framework-free; `./vitest` declares it as vitest tests. */
export { ConformanceError } from "./case.ts";
export type { CaseContext, ConformanceCase, Coverage, Requirements, ScalarBound, Tolerances } from "./case.ts";
export { conformanceCases } from "./cases.ts";
export { coverageReport } from "./coverage.ts";
export type { CoverageRun } from "./coverage.ts";
export { openSession, runCase } from "./run.ts";
export type { CaseResult, Outcome, Session, SkipRule, Subject } from "./run.ts";
export { scalarBounds } from "./primitives/scalar-functions.ts";
