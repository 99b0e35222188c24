/** The tokenizer of a folder: the names of its special tokens come from its files, its sizes are bounded. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import { trainBpe } from "@modernbert-ts/tokenizer";
import { expect, onTestFinished, test } from "vitest";
import { readTokenizer } from "../src/folder/tokenizer.ts";
import { openTokenizerFile } from "../src/index.ts";

const own: Readonly<Record<string, string>> = {
  "[UNK]": "<|unk|>",
  "[CLS]": "<|cls|>",
  "[SEP]": "<|sep|>",
  "[PAD]": "<|pad|>",
  "[MASK]": "<|mask|>",
};
const roles = { unk: 0, cls: 1, sep: 2, pad: 3, mask: 4 };
const json = JSON.stringify(trainBpe(["the cat sat on the mat"], { vocabSize: 270, padToMultipleOf: 1 })).replace(
  /"(\[[A-Z]+\])"/g,
  (_, name: string) => JSON.stringify(own[name]),
);
const config = Object.fromEntries(
  Object.entries(own).map(([name, text]) => [`${name.slice(1, -1).toLowerCase()}_token`, text]),
);

function folderOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "modernbert-tokenizer-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

test("special tokens with names of their own are found by tokenizer_config.json or special_tokens_map.json", async () => {
  for (const name of ["tokenizer_config.json", "special_tokens_map.json"]) {
    const folder = folderOf({ "tokenizer.json": json, [name]: JSON.stringify(config) });
    const tokenizer = await readTokenizer(diskFolder(folder), { vocabSize: 300 });
    expect(tokenizer.specialTokens).toEqual(roles);
    expect(tokenizer.encode("the <|mask|> sat").ids).toContain(roles.mask);
    const byPath = await openTokenizerFile(join(folder, "tokenizer.json"));
    expect(byPath!.specialTokens).toEqual(roles);
  }
});

test("a file of another name counts alone", async () => {
  const folder = folderOf({ "mine.json": json, "tokenizer_config.json": JSON.stringify({ mask_token: "<nowhere>" }) });
  const tokenizer = await openTokenizerFile(join(folder, "mine.json"));
  expect(tokenizer!.specialTokens).toMatchObject({ cls: 1, sep: 2, mask: undefined });
  expect(await openTokenizerFile(join(folder, "tokenizer.json"))).toBeUndefined();
});

const broken = async (files: Record<string, string>): Promise<unknown> =>
  readTokenizer(diskFolder(folderOf({ "tokenizer.json": json, ...files })), { vocabSize: 300 });

test("what is wrong is named with its file", async () => {
  await expect(broken({ "tokenizer_config.json": '{"mask_token":"[MASK]"}' })).rejects.toThrow(
    /^\[Tokenizer\.fromJSON\] \S+\/tokenizer_config\.json: expected tokenizer_config\.mask_token to be a token of the tokenizer\.json, got "\[MASK\]"$/,
  );
  await expect(broken({ "special_tokens_map.json": "{" })).rejects.toThrow(
    /^\[Tokenizer\.fromJSON\] \S+\/special_tokens_map\.json: expected [^\n]*$/,
  );
  await expect(broken({ "tokenizer.json": '{\n"model"\n' })).rejects.toThrow(
    /^\[Tokenizer\.fromJSON\] \S+\/tokenizer\.json: expected a JSON file, got: [^\n]*$/,
  );
});

test("a file beyond its limit is refused by name and size", async () => {
  const folder = folderOf({ "tokenizer.json": json, "tokenizer_config.json": "{}" });
  truncateSync(join(folder, "tokenizer_config.json"), 3e9);
  await expect(readTokenizer(diskFolder(folder), { vocabSize: 300 })).rejects.toThrow(
    /tokenizer_config\.json: expected a text file of at most 16777216 bytes, got 3000000000$/,
  );
  truncateSync(join(folder, "tokenizer.json"), 3e9);
  await expect(readTokenizer(diskFolder(folder), { vocabSize: 300 })).rejects.toThrow(
    /tokenizer\.json: expected a text file of at most 268435456 bytes, got 3000000000$/,
  );
});
