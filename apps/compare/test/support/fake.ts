/** Sections, texts and folders of tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Corpora } from "../../src/data/corpora.ts";
import type { Machine } from "../../src/records/machine.ts";
import type { Measurement } from "../../src/records/record.ts";
import type { Section } from "../../src/sections/section.ts";

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "compare-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const machine: Machine = { processor: "Abacus 9", cores: 2, memoryGiB: 1, device: "beads", threads: 2 };

export function record<V>(values: V, rest: Partial<Measurement<V>> = {}): Measurement<V> {
  const stamp = { node: "20.20.2", date: "2026-01-02T03:04:05.000Z", seconds: 1 };
  return { section: "fake", key: "one", settings: {}, values, machine, ...stamp, ...rest };
}

type Value = { readonly value: number };

/** Measures `keys` in turn, each by `make`; shows them as one bar chart and one claim. */
export function fakeSection(
  keys: readonly string[],
  make: (key: string) => number | Promise<number>,
  name = "fake",
): Section<Value> {
  return {
    name,
    title: `Section <${name}>`,
    minutes: { quick: 1, standard: 2 },
    async measure({ measured }) {
      for (const key of keys) await measured(key, { size: 1 }, async () => ({ value: await make(key) }));
    },
    render: (records) => [
      {
        kind: "bars",
        title: "Values",
        unit: "beads",
        groups: records.map(({ key }) => key),
        series: [{ name: "value", values: records.map(({ values }) => values) }],
      },
    ],
    claims: (records) => [
      {
        claim: "It counts",
        measured: records.map(({ key, values }) => `${key} ${values.value}`).join(", "),
        verdict: records.length > 0 ? "shown" : "not measured",
      },
    ],
  };
}

const sentences = ["the cat sat on the mat", "a dog ran in the park", "the sun is warm on the wall"];

export const fakeCorpora: Corpora = {
  brown: () => ({
    train: sentences.map((text, at) => ({ name: `ca0${at}`, genre: "a", text })),
    heldOut: [{ name: "ca09", genre: "a", text: "the dog sat in the sun" }],
  }),
  taggedBrown: () => ({ train: [], heldOut: [] }),
  mails: () => ({ train: [], heldOut: [] }),
  code: () => ({ source: "abacus@1.0.0", texts: ["const bead = { count: 1 };"] }),
};
