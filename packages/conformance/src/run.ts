/** Runs cases without any test framework: checks what they require, counts buffers around them, and says what came of it. */
import type { Backend } from "@modernbert-ts/tensor-core";
import { createBench } from "./bench.ts";
import { SkipCase, expectThat } from "./case.ts";
import type { CaseContext, ConformanceCase, Requirements, Tolerances } from "./case.ts";
import { createRandomSource } from "./random-source.ts";

export interface SkipRule {
  /** A case's whole name, or a pattern that it matches. */
  readonly cases: string | RegExp;
  readonly reason: string;
}

/** A backend under test. */
export interface Subject {
  readonly name: string;
  /** Makes a fresh backend. Pass different options under different names to test artificially small limits. */
  readonly create: () => Promise<Backend>;
  /** Makes an engine with f64 arithmetic, for cases that compare with one. Needed where the backend has no f64 itself. */
  readonly oracle?: () => Promise<Backend>;
  readonly skip?: readonly SkipRule[];
  readonly tolerances?: Tolerances;
  /** For the properties with a fresh seed. Default: from the clock. */
  readonly seed?: number;
}

export type Outcome =
  | { readonly status: "passed" }
  | { readonly status: "skipped"; readonly reason: string }
  | { readonly status: "failed"; readonly error: unknown };

export interface CaseResult {
  readonly case: ConformanceCase;
  readonly outcome: Outcome;
  readonly milliseconds: number;
}

/** A subject with its backends made; dispose it when done. */
export interface Session extends AsyncDisposable {
  readonly subject: Subject;
  readonly backend: Backend;
  readonly oracle: Backend | undefined;
  readonly freshSeed: number;
}

export function freshSeed(): number {
  return Date.now() % 2 ** 31;
}

export async function openSession(subject: Subject): Promise<Session> {
  const backend = await subject.create();
  const oracle = await subject.oracle?.();
  return {
    subject,
    backend,
    oracle,
    freshSeed: subject.seed ?? freshSeed(),
    async [Symbol.asyncDispose]() {
      await backend[Symbol.asyncDispose]();
      await oracle?.[Symbol.asyncDispose]();
    },
  };
}

/** The rule of the subject that skips a case, if any. */
export function skipReason(subject: Subject, name: string): string | undefined {
  const matches = ({ cases }: SkipRule): boolean => (typeof cases === "string" ? cases === name : cases.test(name));
  return subject.skip?.find(matches)?.reason;
}

/** Rules that match no case: they hide nothing now and would hide something unseen later. */
export function unusedSkips(subject: Subject, cases: readonly ConformanceCase[]): SkipRule[] {
  return (subject.skip ?? []).filter((rule) => {
    return !cases.some(({ name }) => skipReason({ ...subject, skip: [rule] }, name) !== undefined);
  });
}

/** Why a backend cannot be asked a case. */
function unmet(requires: Requirements, { backend, oracle }: Session): string | undefined {
  const { storage, arithmetic, deterministic } = backend.capabilities;
  const noArithmetic = requires.arithmetic?.find((dtype) => !arithmetic.includes(dtype));
  if (noArithmetic !== undefined) return `the backend has no ${noArithmetic} arithmetic`;
  const noStorage = requires.storage?.find((dtype) => !storage.includes(dtype));
  if (noStorage !== undefined) return `the backend does not store ${noStorage}`;
  if (requires.deterministic === true && !deterministic) return "the backend does not promise determinism";
  if (requires.capture === true && !backend.capture) return "the backend cannot record commands";
  if (requires.fused !== undefined && backend.fused[requires.fused] === undefined) {
    return `the backend has no fused ${requires.fused}`;
  }
  if (requires.oracle === true && oracle === undefined && !arithmetic.includes("f64")) {
    return "the backend has no f64 and the suite was given no oracle";
  }
  return undefined;
}

export async function runCase(conformanceCase: ConformanceCase, session: Session): Promise<CaseResult> {
  const started = Date.now();
  const outcome = await attempt(conformanceCase, session);
  return { case: conformanceCase, outcome, milliseconds: Date.now() - started };
}

async function attempt({ name, requires = {}, run }: ConformanceCase, session: Session): Promise<Outcome> {
  const { subject, backend, oracle } = session;
  const reason = skipReason(subject, name) ?? unmet(requires, session);
  if (reason !== undefined) return { status: "skipped", reason };
  const bench = createBench(backend);
  const context: CaseContext = {
    backend,
    bench,
    random: createRandomSource(name),
    tolerances: subject.tolerances ?? {},
    create: subject.create,
    oracle,
    freshSeed: session.freshSeed,
    skip(why) {
      throw new SkipCase(why);
    },
  };
  const before = [backend, oracle].map((each) => each?.memory().liveBuffers);
  try {
    await run(context);
    bench.releaseAll();
    await backend.synchronize();
    const after = [backend, oracle].map((each) => each?.memory().liveBuffers);
    expectThat(
      after[0] === before[0],
      `expected ${before[0]} live buffers after the case, got ${after[0]}: something leaks`,
    );
    expectThat(
      after[1] === before[1],
      `expected ${before[1]} live buffers on the oracle after the case, got ${after[1]}`,
    );
    return { status: "passed" };
  } catch (error) {
    bench.releaseAll();
    // What a failed case left queued must not be blamed on the next one.
    await backend.synchronize().catch(() => undefined);
    return error instanceof SkipCase ? { status: "skipped", reason: error.message } : { status: "failed", error };
  }
}
