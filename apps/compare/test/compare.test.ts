/** Whole comparisons of small sections: resumed, interrupted, in the wrong place, beside another machine. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compare } from "../src/run/compare.ts";
import type { CompareOptions } from "../src/run/compare.ts";
import { RecordStore } from "../src/records/store.ts";
import { speedPlans } from "../src/sections/speed/plan.ts";
import { speedSectionOf } from "../src/sections/speed/speed.ts";
import { tokensSection } from "../src/sections/tokens/tokens.ts";
import { fakeCorpora, fakeSection, machine, record, temporaryFolder } from "./support/fake.ts";

function run(options: Partial<CompareOptions> & Pick<CompareOptions, "out" | "sections">) {
  return compare({ level: "quick", threads: 1, corpora: fakeCorpora, ...options });
}

test("what was measured is not measured again, unless the settings differ", async () => {
  const out = temporaryFolder();
  const made: string[] = [];
  const section = fakeSection(["one", "two"], (key) => made.push(key));
  expect(await run({ out, sections: [section] })).toMatchObject({ measured: 2, found: 0 });
  expect(await run({ out, sections: [section] })).toMatchObject({ measured: 0, found: 2 });
  expect(made).toEqual(["one", "two"]);
  const larger: typeof section = {
    ...section,
    measure: async ({ measured }) => void (await measured("one", { size: 2 }, async () => ({ value: 7 }))),
  };
  expect(await run({ out, sections: [larger] })).toMatchObject({ measured: 1, found: 0 });
});

test("an interrupted comparison has a report of what it has, and goes on", async () => {
  const out = temporaryFolder();
  const interruption = new AbortController();
  const stop = fakeSection(["one", "two", "three"], (key) => {
    if (key === "two") interruption.abort(new Error("enough"));
    return 1;
  });
  await expect(run({ out, sections: [stop], signal: interruption.signal })).rejects.toThrow("enough");
  expect(readFileSync(join(out, "report.md"), "utf8")).toContain("one 1");
  expect(await run({ out, sections: [fakeSection(["one", "two", "three"], () => 2)] })).toMatchObject({
    measured: 2,
    found: 1,
  });
  expect(readFileSync(join(out, "report.md"), "utf8")).toContain("one 1, three 2, two 2");
  expect(existsSync(join(out, "work"))).toBe(false);
});

test("records of another machine are shown apart", async () => {
  const out = temporaryFolder();
  const section = fakeSection(["one"], () => 5);
  await run({ out, sections: [section] });
  new RecordStore(join(out, "records")).write("abacus", "quick", record({ value: 11 }));
  await run({ out, sections: [section], renderOnly: true });
  const [first, second] = readFileSync(join(out, "report.md"), "utf8").split("# Also measured on another machine");
  expect(first).toContain("one 5");
  expect(first).not.toContain("one 11");
  expect(second).toContain(machine.processor);
  expect(second).toContain("one 11");
});

test("a level's records are not another level's", async () => {
  const out = temporaryFolder();
  const section = fakeSection(["one"], () => 5);
  await run({ out, sections: [section] });
  expect(await run({ out, sections: [section], level: "standard" })).toMatchObject({ measured: 1 });
});

test("folders with other files, records that are none and names that are unknown are refused by name", async () => {
  const sections = [fakeSection(["one"], () => 5), fakeSection(["one"], () => 5, "tokens")];
  const foreign = temporaryFolder();
  writeFileSync(join(foreign, "thesis.doc"), "");
  await expect(run({ out: foreign, sections })).rejects.toThrow(
    /expected an empty folder .* thesis\.doc: name another --out/,
  );
  expect(readdirSync(foreign)).toEqual(["thesis.doc"]);

  const out = temporaryFolder();
  await expect(run({ out, sections, only: ["tokenz"] })).rejects.toThrow("did you mean tokens?");
  await expect(run({ out, sections, only: ["fake"], level: "full" })).rejects.toThrow("one of quick or standard");

  await run({ out, sections });
  const [id] = readdirSync(join(out, "records"));
  writeFileSync(join(out, "records", id!, "quick", "fake", "one.json"), "{");
  await expect(run({ out, sections })).rejects.toThrow(/one\.json, got another file: delete it/);
});

test("two comparisons in one folder: the second is refused while the first runs", async () => {
  const out = temporaryFolder();
  const inside = fakeSection(["one"], async () => {
    await expect(run({ out, sections: [] })).rejects.toThrow(/^\[compare\] .* is in use by process \d+/);
    return 1;
  });
  expect(await run({ out, sections: [inside] })).toMatchObject({ measured: 1 });
  expect(await run({ out, sections: [inside] })).toMatchObject({ found: 1 });
});

test("a record that cannot be written ends the comparison with its path", async () => {
  const out = temporaryFolder();
  await run({ out, sections: [], renderOnly: true });
  writeFileSync(join(out, "records"), "in the way");
  const failing = run({ out, sections: [fakeSection(["one"], () => 5)] });
  await expect(failing).rejects.toThrow(join(out, "records"));
});

test("a record with a path in its key is refused", async () => {
  const out = temporaryFolder();
  mkdirSync(join(out, "inside"));
  const section = fakeSection(["../../escaped"], () => 5);
  await expect(run({ out: join(out, "inside"), sections: [section] })).rejects.toThrow("expected a key");
});

test("speed and tokens are measured, rendered and judged", async () => {
  const out = temporaryFolder();
  const tiny = {
    pairs: ["small"],
    lengths: [32, 520],
    tokens: 64,
    leastTexts: 2,
    rounds: { short: 2, long: 1 },
  } as const;
  const sections = [speedSectionOf({ ...speedPlans, quick: tiny }), tokensSection];
  const { html } = await run({ out, sections });
  const page = readFileSync(html, "utf8");
  for (const text of ["ModernBERT, packed", "(no BERT)", "Tokens per word", "abacus@1.0.0"])
    expect(page).toContain(text);
  expect(page).not.toMatch(/NaN|undefined|Infinity|Not by a fused kernel/);
});
