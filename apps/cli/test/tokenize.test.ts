/** `modernbert tokenize`: JSON strings in, ids and offsets out; streaming; and what it says to lines that are none. */
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { loadModernBertTokenizer } from "@modernbert-ts/tokenizer";
import { saveTinyModel } from "../../../packages/pipelines/test/support/tiny-model.ts";
import { bin, cli, errorOf, startBin } from "./support/cli.ts";
import { temporaryFolder } from "./support/temporary.ts";

const folder = temporaryFolder();
const strings = (texts: readonly string[]): string => texts.map((text) => `${JSON.stringify(text)}\n`).join("");

interface Answer {
  readonly ids: number[];
  readonly offsets: [number, number][];
}

async function tokenize(texts: readonly string[], ...args: string[]): Promise<Answer[]> {
  const result = await cli(["tokenize", ...args], strings(texts));
  expect(result.code, result.stderr).toBe(0);
  return result.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Answer);
}

describe("answers", () => {
  test("known ids and offsets of the published tokenizer", async () => {
    const [hello, mask, empty] = await tokenize(["Hello World!", "  [MASK]", ""]);
    expect(hello).toEqual({
      ids: [50281, 12092, 3645, 2, 50282],
      offsets: [
        [0, 0],
        [0, 5],
        [5, 11],
        [11, 12],
        [0, 0],
      ],
    });
    expect(mask).toEqual({
      ids: [50281, 50284, 50282],
      offsets: [
        [0, 0],
        [0, 8],
        [0, 0],
      ],
    });
    expect(empty).toEqual({
      ids: [50281, 50282],
      offsets: [
        [0, 0],
        [0, 0],
      ],
    });
  });

  test("a pair is split at the separator's first occurrence; its offsets count from its own start", async () => {
    const expected = {
      ids: [50281, 2347, 513, 309, 32413, 10238, 32, 50282, 35394, 12274, 13, 1824, 708, 15727, 15, 50282],
      offsets: [
        [0, 0],
        [0, 3],
        [3, 6],
        [6, 8],
        [8, 13],
        [13, 19],
        [19, 20],
        [0, 0],
        [0, 3],
        [3, 9],
        [9, 10],
        [10, 16],
        [16, 18],
        [18, 24],
        [24, 25],
        [0, 0],
      ],
    };
    const [pair, single, twice] = await tokenize(
      ["How do I bake bread?\tMix flour, water & yeast.", "Hello World!", "a\tb\tc"],
      "--pair-separator",
      "\t",
    );
    expect(pair).toEqual(expected);
    expect(single!.ids).toEqual([50281, 12092, 3645, 2, 50282]);
    const tokenizer = await loadModernBertTokenizer();
    expect(twice!.ids).toEqual(Array.from(tokenizer.encode("a", { pair: "b\tc" }).ids));
  });

  test.each([
    ["utf16", 2],
    ["codepoint", 1],
    ["byte", 4],
  ])("offsets in %s units", async (unit, length) => {
    const [{ offsets }] = (await tokenize(["👩x"], "--offsets", unit)) as [Answer];
    expect(offsets.at(-3)![1]).toBe(length);
    expect(offsets.at(-2)).toEqual([length, length + 1]);
  });

  test("line separators inside JSON strings, \\r\\n, a byte order mark and a last line without an end", async () => {
    const { code, stdout } = await cli(["tokenize"], '\uFEFF"a"\r\n"b\u2028c"\n"d"');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(3);
  });

  test("the tokenizer of a model folder", async () => {
    const model = join(folder, "model");
    await saveTinyModel(model);
    const [{ ids }] = (await tokenize(["The capital"], "--model", model)) as [Answer];
    expect([ids[0], ids.at(-1)]).toEqual([2, 3]);
    expect(Math.max(...ids)).toBeLessThan(300);
  });
});

describe("streaming", () => {
  test("one line in, one line out, while the input stays open", async () => {
    const child = startBin(["tokenize"]);
    const output = child.stdout![Symbol.asyncIterator]();
    for (const text of ["one", "two"]) {
      child.stdin!.write(strings([text]));
      expect(String((await output.next()).value)).toMatch(/^\{"ids":\[50281,.*\}\n$/);
    }
    child.stdin!.end();
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
  });

  test("more lines than fit in memory at once are read only as fast as answers are taken", async () => {
    let sent = 0;
    const stdin = new PassThrough({ highWaterMark: 1 << 14 });
    const line = strings(["word ".repeat(200)]);
    const feed = (): void => {
      while (sent++ < 1999) if (!stdin.write(line)) return void stdin.once("drain", feed);
      stdin.end(line);
    };
    const { run } = await import("../src/program.ts");
    const stdout = new PassThrough({ highWaterMark: 1 << 14 });
    const running = run(["tokenize"], { stdin, stdout, stderr: new PassThrough() });
    feed();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sent).toBeLessThan(500); // nobody reads the answers yet
    let lines = 0;
    stdout.on("data", (chunk: Buffer) => (lines += chunk.toString().split("\n").length - 1));
    expect(await running).toBe(0);
    expect([sent, lines]).toEqual([2000, 2000]);
  });
});

describe("bad lines", () => {
  test.each([
    ["5", /line 2: expected a JSON string such as "some text", got 5/],
    ["{}", /line 2: .*got \{\}/],
    ['"unfinished', /line 2: .*got "unfinished/],
    ["plain text", /line 2: .*got plain text/],
    ["", /line 2: .*got an empty line/],
    ['"x"'.repeat(1000), /line 2: .{40,120}…$/],
  ])("%.20s", async (line, message) => {
    const result = await cli(["tokenize"], `"good"\n${line}\n"never read"\n`);
    expect(errorOf(result)).toMatch(message);
    expect(result.stdout.split("\n")).toHaveLength(2); // the good line before was answered
  });
  test("bytes that are not UTF-8", async () => {
    expect(errorOf(await cli(["tokenize"], Buffer.from([0x22, 0xff, 0x22, 0x0a])))).toMatch(/line 1: expected UTF-8/);
  });
  test("an empty separator is wrong usage", async () => {
    expect(await bin(["tokenize", "--pair-separator", ""])).toMatchObject({ code: 2, stdout: "" });
  });
});
