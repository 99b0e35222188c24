/** What a run leaves and says that ends far worse than it began. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { checkpointAt } from "../src/run/output/export-model.ts";
import { runTraining } from "../src/run/run-training.ts";
import { start } from "./command-line.ts";
import { corpusFolder, quiet, tinyConfig, tinyFields } from "./support.ts";

test("it exports nothing, keeps the best and the last sound checkpoint, and ends with 1 and one line", async () => {
  const folder = await corpusFolder();
  const { checkpoint, modelFolder } = await runTraining(tinyConfig(folder), quiet);
  const model = readFileSync(join(modelFolder!, "model.safetensors"));
  const [optimizer, length] = [{ learning_rate: 3 }, "2000 tokens"];
  const changes = { optimizer, length, checkpoints: { every: "1 steps", keep: 2 } };
  const file = join(folder, "config.yaml");
  writeFileSync(file, stringify({ ...tinyFields(folder), ...changes }));
  const { code, stderr } = await start(["run", file, "--resume", "auto"]).finished;
  expect(code, stderr).toBe(1);
  const [line, ...others] = stderr.match(/^modernbert-train: .*/gm)!;
  expect(others).toEqual([]);
  expect(line).toMatch(
    /expected a held-out loss below that of the beginning \([\d.]+\), got [\d.e+]+ at the end, after step \d+: training has come apart; .*; nothing was exported$/,
  );
  expect(line).toContain(`last checkpoint with a sound held-out loss: ${checkpoint}; go on from it with a smaller`);
  expect(stderr).not.toContain("finished");
  const again = (resume: string) => runTraining(tinyConfig(folder, changes), { ...quiet, resume });
  const files = readdirSync(join(folder, "run", "checkpoints"));
  const latest = join(folder, "run", "checkpoints", files.sort().at(-1)!);
  await expect(again("auto")).rejects.toThrow(
    new RegExp(
      `^${latest} was saved after training had come apart \\(loss [\\d.e+]+\\): go on from the last one before with --resume ${checkpoint} and a smaller optimizer.learning_rate or optimizer.clip_norm, or name it to go on from it all the same$`,
    ),
  );
  expect(readdirSync(join(folder, "run", "checkpoints"))).toEqual(files);
  await expect(again(latest)).rejects.toThrow(/training has come apart; .*; nothing was exported$/);
  expect(existsSync(checkpoint!)).toBe(true);
  expect(readFileSync(join(modelFolder!, "model.safetensors"))).toEqual(model);
  await expect(checkpointAt(join(folder, "run"), quiet.onNotice)).rejects.toThrow(
    /was saved after training had come apart \(loss [\d.e+]+\): name the checkpoint to take, such as .*step-/,
  );
  expect(await checkpointAt(checkpoint!, quiet.onNotice)).toBe(checkpoint);
});
