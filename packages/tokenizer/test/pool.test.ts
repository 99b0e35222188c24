/** The package as built: the worker pool (workers cannot run TypeScript), and life without Node. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const entry = new URL("../dist/index.js", import.meta.url);
const built = existsSync(fileURLToPath(entry));
type Package = typeof import("../src/index.ts");
const load = (): Promise<Package> => import(entry.href);

describe.skipIf(!built)(`a pool of workers${built ? "" : " (skipped: the package is not built)"}`, () => {
  const texts = Array.from(
    { length: 60 },
    (_, i) => `Document ${i}: ${"some words, naïve ones too, 日本語 and [MASK]. ".repeat(i)}`,
  );

  test("gives what one thread gives", async () => {
    const { createTokenizerPool, loadModernBertTokenizer, Encoding } = await load();
    const tokenizer = await loadModernBertTokenizer();
    const pool = createTokenizerPool(tokenizer, { workers: 2, minUnits: 0 });
    const options = { offsets: "utf16", truncation: { maxLength: 64, stride: 8 }, padding: { multipleOf: 8 } } as const;
    const [pooled, alone] = [await pool.encodeBatch(texts, options), tokenizer.encodeBatch(texts, options)];
    expect(pooled.map((encoding) => encoding.toMessage())).toEqual(alone.map((encoding) => encoding.toMessage()));
    expect(pooled[3]).toBeInstanceOf(Encoding);
    expect(pooled[3]!.tokens).toEqual(alone[3]!.tokens);
    const pairs = texts.map((text) => [text, "its pair"] as const);
    expect((await pool.encodeBatch(pairs)).map(({ ids }) => ids)).toEqual(
      tokenizer.encodeBatch(pairs).map(({ ids }) => ids),
    );
    await pool.close();
  });

  test("passes errors on and lives on after them", async () => {
    const { createTokenizerPool, loadModernBertTokenizer, TokenizerError } = await load();
    const pool = createTokenizerPool(await loadModernBertTokenizer(), { workers: 1, minUnits: 0 });
    const failing = pool.encodeBatch(["a"], { truncation: { maxLength: 1 } });
    await expect(failing).rejects.toThrow(TokenizerError);
    await expect(failing).rejects.toThrow("[encode] expected truncation.maxLength");
    expect(await pool.encodeBatch(["a"])).toHaveLength(1);
    await pool.close();
    await expect(pool.encodeBatch(["a"])).rejects.toThrow("expected an open pool");
    expect(() => createTokenizerPool(null as never, { workers: 0 })).toThrow("[createTokenizerPool] expected workers");
  });

  test.each([
    ["throws", "throw new Error('no workers here')", "no workers here"],
    ["finds no script", "setTimeout(() => this.fail({ message: undefined }), 1)", "script did not load"],
  ])("encodes on this thread, with a notice, where a worker %s", (_, construct, why) => {
    const code = `
      const { log } = console;
      const missing = [];
      console.warn = (notice) => missing.push(notice);
      process.getBuiltinModule = () => undefined;
      globalThis.Worker = class {
        constructor() { ${construct} }
        addEventListener(event, handle) { if (event === "error") this.fail = handle; }
        postMessage() {}
        terminate() {}
      };
      const { createTokenizerPool, loadModernBertTokenizer } = await import(${JSON.stringify(entry.href)});
      const tokenizer = await loadModernBertTokenizer();
      const pool = createTokenizerPool(tokenizer, { workers: 2, minUnits: 0 });
      const texts = Array.from({ length: 4 }, (_, i) => "a text ".repeat(50_000 + i));
      const ids = async () => (await pool.encodeBatch(texts)).map((encoding) => encoding.ids.length).join();
      const [first, second] = [await ids(), await ids()];
      await pool.close();
      log(JSON.stringify([first === tokenizer.encodeBatch(texts).map(({ ids }) => ids.length).join(), first === second, missing]));`;
    const out = execFileSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
    expect(JSON.parse(out)).toEqual([true, true, [expect.stringContaining(why)]]);
  });

  test("encodes small batches without workers", async () => {
    const { createTokenizerPool, loadModernBertTokenizer } = await load();
    const before = process.getActiveResourcesInfo().length;
    const pool = createTokenizerPool(await loadModernBertTokenizer());
    expect(await pool.encodeBatch(["a", "b"])).toHaveLength(2);
    expect(process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length).toBeLessThanOrEqual(
      before,
    );
    await pool.close();
  });
});

test.skipIf(!built)(`works where there is no Node${built ? "" : " (skipped: the package is not built)"}`, () => {
  const code = `
    const log = console.log;
    delete globalThis.process; delete globalThis.Buffer;
    const { loadModernBertTokenizer } = await import(${JSON.stringify(entry.href)});
    log((await loadModernBertTokenizer()).encode("Hello World!").ids.join());`;
  const out = execFileSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
  expect(out.trim()).toBe("50281,12092,3645,2,50282");
});
