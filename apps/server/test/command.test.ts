/** The program as people start it: flags, environment, exit codes, one-line errors, SIGTERM. */
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { parseCommand } from "../src/command.ts";
import { makeTinyModel } from "./tiny-model.ts";

describe("flags", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("defaults are those of text-embeddings-inference", () => {
    expect(parseCommand(["--model", "m"]).options).toEqual({
      model: "m",
      host: "127.0.0.1",
      port: 3000,
      backend: "auto",
      cpuEngine: "auto",
      dtype: "f32",
      maxConcurrentRequests: 512,
      maxQueueBytes: 268_435_456,
      maxBatchTokens: 16384,
      maxClientBatchSize: 32,
      autoTruncate: true,
      payloadLimit: 2_000_000,
      requestTimeout: 300,
      shutdownTimeout: 30,
      maxWorkerRestarts: 5,
      logLevel: "info",
      task: "embed",
      tokenizationWorkers: Math.min(64, Math.max(1, availableParallelism() - 1)),
      otlpServiceName: "text-embeddings-inference.server",
      disableSpans: false,
    });
  });

  test("flags of text-embeddings-inference mean the same, or are refused", () => {
    const given = ["--model-id", "m", "--dtype", "float16", "--json-output", "--hf-token", "t"];
    expect(parseCommand([...given, "--huggingface-hub-cache", "/c"])).toMatchObject({
      options: { dtype: "f16" },
      hub: { token: "t", cache: "/c" },
    });
    vi.stubEnv("OTLP_ENDPOINT", "http://collector:4317");
    vi.stubEnv("CORS_ALLOW_ORIGIN", "*");
    expect(parseCommand([...given, "--prometheus-port", "9000", "--disable-spans"]).options).toMatchObject({
      otlpEndpoint: "http://collector:4317",
      corsAllowOrigin: ["*"],
      prometheusPort: 9000,
      disableSpans: true,
    });
    vi.stubEnv("DENSE_PATH", "2_Dense");
    expect(() => parseCommand(given)).toThrow("This server does not have it");
  });

  test("several models are given by repeating the flag; names and revisions go with them", () => {
    const given = ["--model-id", "a", "--model-id", "b", "--served-model-name", "x", "--served-model-name", "y"];
    expect(parseCommand([...given, "--memory-budget", "5000000000", "--idle-unload", "60"]).options).toMatchObject({
      model: ["a", "b"],
      servedModelName: ["x", "y"],
      memoryBudget: 5_000_000_000,
      idleUnload: 60,
    });
  });

  test("both spellings and the environment are read; flags win", () => {
    vi.stubEnv("MODEL_ID", "from-env");
    vi.stubEnv("MAX_BATCH_TOKENS", "99");
    vi.stubEnv("AUTO_TRUNCATE", "false");
    vi.stubEnv("API_KEY", "key");
    expect(parseCommand(["--hostname", "::", "-p", "1"]).options).toMatchObject({
      model: "from-env",
      host: "::",
      port: 1,
      maxBatchTokens: 99,
      autoTruncate: false,
      apiKey: "key",
    });
    expect(parseCommand(["--model-id", "m", "--auto-truncate", "--max-batch-tokens", "7"]).options).toMatchObject({
      model: "m",
      autoTruncate: true,
      maxBatchTokens: 7,
    });
  });
});

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

function start(...args: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env["PATH"] } });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function finish(
  child: ChildProcessWithoutNullStreams,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data) => (stdout += String(data)));
  child.stderr.on("data", (data) => (stderr += String(data)));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stdout, stderr };
}

describe("the program", () => {
  test.each([
    [[], "--model"],
    [["--model", "m", "--port", "70000"], "whole number from 0 to 65535"],
    [["--model", "m", "--pooling", "max"], "cls, mean"],
    [["--model", "m", "--no-such-flag"], "--no-such-flag"],
    [["--model", "m", "extra"], "too many arguments"],
    [["--model", "m", "-p", "1", "--port", "2"], "'-p, --port <n>' is given twice"],
    [["--model", "m", "--uds-path", "/tmp/x"], "This server does not have it"],
    [["--model", "m", "--dtype", "float8"], "float32"],
  ])("wrong usage %j exits with 2", async (args, message) => {
    const { code, stdout, stderr } = await finish(start(...args));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
  });

  test("a missing model exits with 1 and one line", async () => {
    const { code, stdout, stderr } = await finish(start("--model", "/no/such/folder", "--port", "0"));
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^\[model\] there is no folder \/no\/such\/folder[^\n]*\n$/);
  });

  test("serves, says which backend it took and why, all in lines of JSON, and stops on SIGTERM", async () => {
    const child = start("--model", await makeTinyModel(), "--port", "0", "--threads", "1");
    const messages: string[] = [];
    let url: string | undefined;
    for await (const line of createInterface(child.stdout)) {
      const { msg } = JSON.parse(line) as { msg: string };
      messages.push(msg);
      url ??= /http:\S+/.exec(msg)?.[0];
      if (url && messages.some((message) => /^the model is loaded on \w+ \(/.test(message))) break;
    }
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const ended = finish(child);
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });
});
