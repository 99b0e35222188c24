/** What falls back to primitives is said: each reason once. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { embed, openPipeline } from "../src/index.ts";
import type { PipelineOptions } from "../src/index.ts";

const folder = fileURLToPath(new URL("fixtures/sentence_transformers/base", import.meta.url));
const f64: PipelineOptions = { precision: { params: "f64", compute: "f64", reduce: "f64" } };
const bf16: PipelineOptions = { precision: { params: "bf16", compute: "bf16", reduce: "f32" } };

/** Notices about fused kernels after opening a pipeline and after each of two runs, and the reasons that the runtime counted. */
async function unfused(options: PipelineOptions): Promise<{ after: string[][]; reasons: string[] }> {
  const notices: string[] = [];
  const onNotice = (notice: string): void => {
    if (notice.includes("without a fused kernel")) notices.push(notice);
  };
  await using pipeline = await openPipeline(folder, { backend: "cpu", onNotice, ...options });
  const after = [[...notices]];
  for (const texts of [["the cat"], ["the mat", "sat"]]) {
    await embed(pipeline, texts);
    after.push([...notices]);
  }
  const reasons = pipeline.runtime.fusedReport().flatMap(({ reason }) => reason ?? []);
  return { after, reasons };
}

test.each<[string, PipelineOptions, string]>([
  ["an engine without kernels", { cpuEngine: "typescript" }, "glu"],
  ["a dtype without kernels", f64, "varlenAttention"],
])("%s: each reason once, after the first run", async (_, options, composite) => {
  const { after, reasons } = await unfused(options);
  const [opened, first, second] = after;
  expect(opened).toEqual([]);
  expect(first).toHaveLength(reasons.length);
  expect(new Set(first).size).toBe(reasons.length);
  const notice = new RegExp(`^${composite} runs without a fused kernel on cpu \\(.*fused.*\\): this is slow$`);
  expect(first).toContainEqual(expect.stringMatching(notice));
  expect(second).toEqual(first);
});

test.each<[string, PipelineOptions]>([
  ["fused", { cpuEngine: "wasm" }],
  ["fused between casts", { cpuEngine: "wasm", ...bf16 }],
  ["from primitives because that was asked for", { cpuEngine: "wasm", fusion: "reference" }],
])("%s: nothing to say", async (_, options) => {
  const { after } = await unfused(options);
  expect(after.flat()).toEqual([]);
});
