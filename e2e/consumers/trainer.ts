/** The trainer as the README says: from texts to a model folder in two steps, and pipelines open what it left. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pipelinesProgram } from "../support/consumer.ts";
import type { Consumer } from "../support/consumer.ts";

const texts = Array.from(
  { length: 120 },
  (_, at) => `The cat number ${at} sat on the mat. It looked at dog ${at * 7}.`,
);

/** A model and a run that are over in seconds. */
const small = [
  "batch.micro_batch_tokens=512",
  "batch.micro_batches=1",
  "data.max_length=512",
  "model.num_hidden_layers=2",
];

export const trainer: Consumer = {
  name: "trainer, npx",
  slow: true,
  async run(place) {
    const train = "npx --yes -p @modernbert-ts/trainer modernbert-train";
    place.write("texts/all.txt", texts.join("\n\n"));
    await place.command(`${train} prepare texts --split blank-line --validation 0.2 --output data`);
    await place.command(`${train} init --data data`);
    const config = readFileSync(join(place.folder, "config.yaml"), "utf8");
    place.write("config.yaml", config.replace(/^length: .*$/m, "length: 1k tokens"));
    await place.command(`${train} run config.yaml ${small.map((field) => `--set ${field}`).join(" ")}`);
    place.write("main.js", pipelinesProgram(join(place.folder, "runs", "modernbert", "model")));
    await place.command("npm install @modernbert-ts/pipelines");
    return `its model opens, ${(await place.command("node main.js")).trim()}`;
  },
};
