import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { openTokenShards, TextSource, tokenizeDocuments } from "../src/index.ts";
import type { TextDocument, TextSourceOptions } from "../src/index.ts";
import { temporaryFolder } from "./data-fixtures.ts";

function files(content: Record<string, string | Uint8Array>): string {
  const base = temporaryFolder();
  for (const [name, data] of Object.entries(content)) {
    mkdirSync(join(base, name, ".."), { recursive: true });
    writeFileSync(join(base, name), data);
  }
  return base;
}

async function collect(source: TextSource): Promise<TextDocument[]> {
  const documents: TextDocument[] = [];
  for await (const document of source) documents.push(document);
  return documents;
}

async function texts(path: string, options?: TextSourceOptions): Promise<string[]> {
  return (await collect(new TextSource(path, options))).map((document) => document.text);
}

describe("TextSource", () => {
  test("a folder: files in the order of their paths, others named in the report", async () => {
    const base = files({
      "b.txt": "two",
      "a/z.jsonl": '{"text":"one"}\n\n{"text":"one more"}\n',
      "c.txt": " \n\t",
      "notes.md": "x",
      "d.TXT": "three",
    });
    const source = new TextSource(base);
    expect(source.files).toEqual(["a/z.jsonl", "b.txt", "c.txt", "d.TXT"].map((name) => join(base, name)));
    expect(await collect(source)).toEqual([
      { id: `${join(base, "a/z.jsonl")}:1`, text: "one" },
      { id: `${join(base, "a/z.jsonl")}:3`, text: "one more" },
      { id: join(base, "b.txt"), text: "two" },
      { id: join(base, "d.TXT"), text: "three" },
    ]);
    const report = {
      documents: 4,
      emptyDocuments: 1,
      replaced: new Map(),
      badRecords: 0,
      badPlaces: [],
      documentsByFile: new Map([
        [join(base, "a/z.jsonl"), 2],
        [join(base, "b.txt"), 1],
        [join(base, "d.TXT"), 1],
      ]),
      skippedFiles: [join(base, "notes.md")],
      repeatedFiles: [],
    };
    expect(source.report).toEqual(report);
    expect((await collect(source)).length).toBe(4);
    expect(source.report).toEqual(report);
  });

  test("blocks between blank lines, with either line ending and no byte order mark", async () => {
    const base = files({ "a.txt": "\ufeffone\r\nline two\r\n \r\n\r\nnext\n\n\nlast\ufeff" });
    const documents = await collect(new TextSource(join(base, "a.txt"), { split: "blank-line" }));
    expect(documents.map(({ id, text }) => [id.split(":").at(-1), text])).toEqual([
      ["1", "one\nline two"],
      ["5", "next"],
      ["8", "last\ufeff"],
    ]);
  });

  test("another field, another format", async () => {
    const base = files({ "a.data": '{"body":"x","text":"y"}' });
    expect(await texts(join(base, "a.data"), { format: "jsonl", field: "body" })).toEqual(["x"]);
    expect(await texts(base, { format: "txt" })).toEqual(['{"body":"x","text":"y"}']);
  });

  test("invalid UTF-8 is replaced, counted and reported; a U+FFFD of the text itself is not counted", async () => {
    const bad = Buffer.concat([
      Buffer.from("a\ufffd"),
      Buffer.from([0xff, 0xe2, 0x82, 0xf0, 0xef, 0xbf, 0xbd]),
      Buffer.from("b"),
    ]);
    const base = files({ "a.txt": bad, "b.txt": "\ufffd fine" });
    const source = new TextSource(base);
    expect((await collect(source)).map((document) => document.text)).toEqual([
      "a\ufffd\ufffd\ufffd\ufffd\ufffdb",
      "\ufffd fine",
    ]);
    expect([...source.report.replaced]).toEqual([[join(base, "a.txt"), 3]]);
  });

  test("lines longer than a read, with characters across its border, come whole", async () => {
    const lines = ["é".repeat(1_500_001), "x", `${"z".repeat((1 << 20) - 1)}€€`, "end"];
    const base = files({ "a.jsonl": lines.map((text) => JSON.stringify({ text })).join("\n") });
    const source = new TextSource(base);
    expect((await collect(source)).map((document) => document.text)).toEqual(lines);
    expect(source.report.replaced.size).toBe(0);
  });

  test("a document of many reads is put together once, whatever its length", async () => {
    const text = "a word ".repeat(2_000_000);
    const base = files({ "a.jsonl": JSON.stringify({ text }), "b.txt": text });
    const concat = vi.spyOn(Buffer, "concat");
    expect((await texts(base)).map((found) => found === text)).toEqual([true, true]);
    const copied = concat.mock.results.reduce((sum, { value }) => sum + (value as Buffer).length, 0);
    concat.mockRestore();
    expect(copied).toBeLessThan(2.1 * text.length);
  });

  test("any texts survive a .jsonl file", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: "grapheme", minLength: 1 })), async (list) => {
        const wanted = list.filter((text) => text.trim() !== "");
        fc.pre(wanted.length > 0);
        const base = files({ "a.jsonl": list.map((text) => `${JSON.stringify({ text })}\n`).join("") });
        expect(await texts(base)).toEqual(wanted);
      }),
      { numRuns: 30 },
    );
  });

  test("what cannot be read is said in one line", async () => {
    const base = files({
      "a.md": "x",
      "bad.jsonl": '{"text":"x"}\n{"text":\n',
      "field.jsonl": '{"txt":"x"}',
      "null.jsonl": "null",
    });
    expect(() => new TextSource(join(base, "none.txt"))).toThrow(
      /^\[TextSource\] .*none\.txt: no such file or folder; check/,
    );
    expect(() => new TextSource(join(base, "a.md"))).toThrow(
      "expected a file that ends in .txt, .jsonl, .ndjson, .csv, .tsv, .parquet, index.json (also .gz, .zst), got ",
    );
    expect(() => new TextSource(files({ "a.md": "x" }))).toThrow("expected files that end in .txt, .jsonl");
    await expect(texts(join(base, "bad.jsonl"))).rejects.toThrow(/one JSON object a line, .*bad\.jsonl:2/);
    await expect(texts(join(base, "field.jsonl"))).rejects.toThrow(
      /string in field "text", got no such field \(there is txt\) at .*:1/,
    );
    await expect(texts(join(base, "null.jsonl"))).rejects.toThrow(
      /one JSON object a line, got null at .*null\.jsonl:1/,
    );
  });
});

const encode = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));

describe("tokenizeDocuments", () => {
  test("encodes every document into shards; what gives no token is left out and counted", async () => {
    const directory = join(temporaryFolder(), "set");
    const documents = ["ab", "", "c"].map((text, n) => ({ id: String(n), text }));
    const result = await tokenizeDocuments(documents, encode, { directory, vocabSize: 256, fingerprint: "f" });
    expect(result.emptyDocuments).toBe(1);
    expect(result.manifest).toMatchObject({ documents: 2, tokens: 3 });
    expect(openTokenShards(directory).documents).toBe(2);
  });

  test("an error of the source or the tokenizer leaves nothing behind", async () => {
    const base = temporaryFolder();
    const options = { directory: join(base, "set"), vocabSize: 256, fingerprint: "f" };
    await expect(tokenizeDocuments([{ id: "0", text: "aé€" }], encode, options)).rejects.toThrow("got 8364");
    const broken = new TextSource(files({ "a.jsonl": '{"text":"x"}\n{' }));
    await expect(tokenizeDocuments(broken, encode, options)).rejects.toThrow("a.jsonl:2");
    expect(readdirSync(base)).toEqual([]);
  });
});
