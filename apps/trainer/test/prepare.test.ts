import fs from "node:fs";
import { join } from "node:path";
import { Tokenizer } from "@modernbert-ts/tokenizer";
import { openTokenShards } from "@modernbert-ts/training";
import { defaultValues, maskedLmObjective } from "@modernbert-ts/training";
import { expect, test } from "vitest";
import { openTrainingData } from "../src/run/data/training-data.ts";
import { prepare } from "../src/commands/prepare.ts";
import type { PrepareOptions } from "../src/prepare/options.ts";
import { corpusText, prepareCorpus, temporaryFolder } from "./support.ts";

function options(folder: string, changes: Partial<PrepareOptions> = {}): PrepareOptions & { notices: string[] } {
  const text = join(folder, "corpus.txt");
  fs.writeFileSync(text, corpusText(100));
  const notices: string[] = [];
  return {
    inputs: [text],
    output: join(folder, "data"),
    tokenizer: "modernbert",
    vocabSize: 300,
    validation: 0.2,
    seed: 1,
    split: "blank-line",
    onNotice: (line) => notices.push(line),
    notices,
    ...changes,
  };
}

test("text becomes shards of both parts and a tokenizer that reads them back", async () => {
  const folder = await prepareCorpus(temporaryFolder());
  const tokenizer = Tokenizer.fromJSON(fs.readFileSync(join(folder, "tokenizer.json"), "utf8"));
  const train = openTokenShards(join(folder, "train"), { vocabSize: tokenizer.vocabSize });
  const validation = openTokenShards(join(folder, "validation"), { vocabSize: tokenizer.vocabSize });
  expect(train.documents + validation.documents).toBe(120);
  expect(validation.documents).toBeGreaterThan(2);
  const ids = new Int32Array(train.documentLength(0));
  train.copyDocument(0, 0, ids.length, ids, 0);
  expect(tokenizer.decode(ids)).toBe(`${corpusText(120).split("\n\n")[0]}`);
  expect([ids[0], ids.at(-1)]).toEqual([tokenizer.specialTokens.cls, tokenizer.specialTokens.sep]);
});

test("the same again is up to date; other settings ask for another folder", async () => {
  const folder = temporaryFolder();
  await prepare(options(folder));
  const before = fs.statSync(join(folder, "data", "tokenizer.json")).mtimeMs;
  const again = options(folder);
  await prepare(again);
  expect(again.notices).toEqual([`${join(folder, "data")} is up to date: same texts, same settings`]);
  expect(fs.statSync(join(folder, "data", "tokenizer.json")).mtimeMs).toBe(before);
  await expect(prepare(options(folder, { seed: 2 }))).rejects.toThrow(/expected a new or empty folder/);
});

test.each(["tokenizer.json", "tokenizer_config.json", "validation"])(
  "a folder without its %s is not up to date, and the message says what to do",
  async (name) => {
    const folder = temporaryFolder();
    await prepare(options(folder));
    fs.rmSync(join(folder, "data", name), { recursive: true });
    await expect(prepare(options(folder))).rejects.toThrow(
      `${join(folder, "data")} was made from these texts, but its ${name} is gone: delete the folder and prepare again`,
    );
  },
);

test("a WordPiece vocabulary can be learned", async () => {
  const folder = temporaryFolder();
  await prepare(options(folder, { tokenizer: "train-wordpiece", vocabSize: 90 }));
  const { tokenizer, roles } = await openTrainingData({ path: join(folder, "data") }, { maxLength: 32 });
  expect(tokenizer.encode("The House").tokens).toEqual(["[CLS]", "the", "house", "[SEP]"]);
  expect(roles).toEqual({ cls: 2, sep: 3, pad: 0, mask: 4 });
});

test("one document cannot be split into two parts, and the message says what to do", async () => {
  const folder = temporaryFolder();
  await expect(prepare(options(folder, { split: "file" }))).rejects.toThrow(/--split blank-line/);
  expect(fs.readdirSync(folder)).toEqual(["corpus.txt"]);
});

test("a tokenizer that is not there, and one without [MASK]", async () => {
  const folder = temporaryFolder();
  await expect(prepare(options(folder, { tokenizer: "gpt2" }))).rejects.toThrow(
    /there is no tokenizer gpt2: expected modernbert, train, train-wordpiece, or/,
  );
  const data = await prepareCorpus(folder);
  const json = JSON.parse(fs.readFileSync(join(data, "tokenizer.json"), "utf8")) as {
    added_tokens: { content: string }[];
  };
  json.added_tokens = json.added_tokens.filter(({ content }) => content !== "[MASK]");
  const file = join(folder, "broken.json");
  fs.writeFileSync(file, JSON.stringify(json));
  const notices: string[] = [];
  const output = join(folder, "other");
  await prepare({ ...options(folder, { tokenizer: file, output }), onNotice: (line) => notices.push(line) });
  expect(notices.join("\n")).toContain("no mask token (such as [MASK]): masked_lm will refuse these data");
  const { train: store, roles } = await openTrainingData({ path: output }, { maxLength: 32 });
  const batches = { seed: 1, maxLength: 32, longDocuments: "split", rowLength: 64, rows: 1 } as const;
  expect(() => maskedLmObjective.loader({ store, roles }, batches, defaultValues(maskedLmObjective.settings))).toThrow(
    "[masked_lm] expected a tokenizer with a mask token, got one without",
  );
});

test("special tokens that only tokenizer_config.json names are found, and kept beside the shards", async () => {
  const folder = temporaryFolder();
  const own = fs.readFileSync(join(await prepareCorpus(folder), "tokenizer.json"), "utf8");
  const given = join(folder, "given");
  fs.mkdirSync(given);
  fs.writeFileSync(join(given, "tokenizer.json"), own.replace(/"\[(MASK|PAD)\]"/g, '"<|$1|>"'));
  const settings = options(folder, { tokenizer: given, output: join(folder, "other") });
  await expect(prepare(settings)).rejects.toThrow(/tokens for cls, sep and pad/);
  fs.writeFileSync(join(given, "tokenizer_config.json"), '{"mask_token":"<|MASK|>","pad_token":"<|PAD|>"}');
  await prepare(settings);
  const { roles } = await openTrainingData({ path: settings.output }, { maxLength: 32 });
  expect(roles).toEqual({ cls: 1, sep: 2, pad: 3, mask: 4 });
  // The same tokenizer with other roles makes other data.
  fs.writeFileSync(join(given, "tokenizer_config.json"), '{"mask_token":"<|PAD|>","pad_token":"<|MASK|>"}');
  await expect(prepare(settings)).rejects.toThrow(/expected a new or empty folder/);
});
