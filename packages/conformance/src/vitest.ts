/** The suite as vitest tests. Import it from test files only: `@modernbert-ts/conformance/vitest`. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { conformanceCases } from "./cases.ts";
import { freshSeed, openSession, runCase, unusedSkips } from "./run.ts";
import type { Session, Subject } from "./run.ts";

/**
 * Declares one vitest test for each case. Skips show with their reasons.
 * @param only For a backend in a special setting, next to a file that runs the whole suite: declares just the cases that match.
 */
export function describeConformance(subject: Subject, only: RegExp = /^/): void {
  const seed = subject.seed ?? freshSeed();
  const cases = conformanceCases().filter(({ name }) => only.test(name));
  describe(`conformance of ${subject.name} (fresh seed ${seed})`, () => {
    let session: Session;
    beforeAll(async () => {
      session = await openSession({ ...subject, seed });
    });
    afterAll(async () => {
      await session[Symbol.asyncDispose]();
    });
    test("every skip rule matches a case", () => {
      expect(cases).not.toEqual([]);
      expect(unusedSkips(subject, cases)).toEqual([]);
    });
    for (const each of cases) {
      test(each.name, async ({ skip }) => {
        const { outcome } = await runCase(each, session);
        if (outcome.status === "failed") throw outcome.error;
        if (outcome.status === "skipped") skip(outcome.reason);
      });
    }
  });
}
