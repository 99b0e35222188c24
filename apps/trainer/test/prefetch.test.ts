/** Batches made ahead in a thread, as built: threads run no TypeScript. */
import fs from "node:fs";
import { join } from "node:path";
import { readMetrics } from "@modernbert-ts/training";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { start } from "./command-line.ts";
import { corpusFolder, tinyFields } from "./support.ts";

test("a run with batches made ahead, stopped by a kill and gone on with, gives the bits of one without", async () => {
  const folder = await corpusFolder();
  const config = join(folder, "config.yaml");
  const masking = {
    probability: [
      { from: 0, value: 0.3 },
      { from: "50%", value: 0.15 },
    ],
    whole_words: true,
  };
  const batch = { micro_batch_tokens: 64, micro_batches: 3, warmup_tokens: "40%" };
  fs.writeFileSync(config, stringify({ ...tinyFields(folder), masking, batch }));
  const run = (name: string, prefetch: number, ...more: string[]) =>
    start(["run", config, "--set", `output=${join(folder, name)}`, "--set", `data.prefetch=${prefetch}`, ...more]);
  expect((await run("plain", 0).finished).code).toBe(0);
  const checkpoints = join(folder, "ahead", "checkpoints");
  const killed = run("ahead", 2);
  const look = setInterval(() => {
    const saved = fs.existsSync(checkpoints)
      ? fs.readdirSync(checkpoints).filter((name) => /^step-\d+$/.test(name))
      : [];
    if (saved.length >= 2) killed.process.kill("SIGKILL");
  }, 1);
  await killed.finished;
  clearInterval(look);
  const { code, stderr } = await run("ahead", 2, "--resume", "auto").finished;
  expect(stderr).not.toMatch(/Error/);
  expect(code).toBe(0);
  const weights = (name: string): Buffer => fs.readFileSync(join(folder, name, "model", "model.safetensors"));
  expect(weights("ahead").equals(weights("plain"))).toBe(true);
  const waits = readMetrics(join(folder, "ahead", "metrics.jsonl")).flatMap((event) =>
    event.kind === "step" ? [event.loaderWait!] : [],
  );
  expect(waits.length).toBeGreaterThan(5);
  expect(waits.every((wait) => wait >= 0)).toBe(true);
});
