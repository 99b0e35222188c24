/** A classifier of moods from twenty sentences, on top of a pretrained model. node fine-tune/main.ts MODEL OUTPUT */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { classify, openPipeline } from "@modernbert-ts/pipelines";
import { checkConfig, runTraining } from "@modernbert-ts/trainer";

const [source, output] = process.argv.slice(2);
if (source === undefined || output === undefined)
  throw new Error("expected a model folder or hub id, and a folder to write to");

const subjects = [
  "the film",
  "the food",
  "the room",
  "this book",
  "the play",
  "our guide",
  "that song",
  "the trip",
  "the view",
  "her talk",
];
const records = subjects.flatMap((subject) => [
  { text: `${subject} was wonderful`, label: "good" },
  { text: `${subject} was terrible`, label: "bad" },
]);
const lines = (some: typeof records): string => some.map((record) => `${JSON.stringify(record)}\n`).join("");
mkdirSync(output, { recursive: true });
const [train, validation] = ["train", "validation"].map((name) => join(output, `${name}.jsonl`)) as [string, string];
writeFileSync(train, lines(records.slice(0, 16)));
writeFileSync(validation, lines(records.slice(16)));

// The fields of a configuration file: `modernbert-train init sequence_classification` writes one with all of them explained.
const config = checkConfig(
  {
    objective: "sequence_classification",
    output: join(output, "run"),
    data: { train: [train], validation: [validation], max_length: 32 },
    model: { from: source },
    batch: { micro_batch_tokens: 256, examples: 8 },
    length: "10 epochs",
    optimizer: { learning_rate: 1e-3 },
    schedule: { warmup: "10%" },
  },
  "the configuration",
);
const { modelFolder } = await runTraining(config, {
  onNotice: console.error,
  onStart: () => (event) => {
    if (event.kind === "evaluation") console.error(`step ${event.step}: held-out loss ${event.loss.toFixed(3)}`);
  },
});

const model = await openPipeline(modelFolder!, { onNotice: console.error });
const texts = ["the music was wonderful", "the music was terrible"];
for (const [at, [best]] of (await classify(model, texts, { topK: 1 })).entries())
  console.log(`${texts[at]}: ${best!.label} ${best!.score.toFixed(3)}`);
await model[Symbol.asyncDispose]();
