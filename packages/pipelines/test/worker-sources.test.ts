/** Where a page's models come from: what people type, picked files, and files that servers say in their own ways they do not have. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { DownloadError, modelAddress, modelFiles } from "../src/worker/index.ts";
import { openSource } from "../src/worker/source/open-source.ts";
import { openKeptFiles } from "../src/worker/source/kept-files.ts";

const hub = (id: string, revision = "main") => ({ kind: "hub", id, revision });
const url = (address: string) => ({ kind: "url", url: address });

test.each([
  ["answerdotai/ModernBERT-base", hub("answerdotai/ModernBERT-base")],
  [" https://huggingface.co/answerdotai/ModernBERT-base ", hub("answerdotai/ModernBERT-base")],
  ["huggingface.co/a/b/", hub("a/b")],
  ["https://hf.co/a/b.c-d?library=x", hub("a/b.c-d")],
  ["https://huggingface.co/a/b/tree/main", hub("a/b")],
  ["https://huggingface.co/a/b/tree/refs%2Fpr%2F1", hub("a/b", "refs/pr/1")],
  ["https://huggingface.co/a/b/blob/v2/config.json", hub("a/b", "v2")],
  ["https://huggingface.co/a/b/resolve/v2", hub("a/b", "v2")],
  ["https://example.org/model", url("https://example.org/model")],
  ["https://example.org/model/ ", url("https://example.org/model")],
  ["https://example.org/model/config.json", url("https://example.org/model")],
  ["./models/small", url("http://localhost/app/models/small")],
  ["../small", url("http://localhost/small")],
  ["/models/small", url("http://localhost/models/small")],
])("%s", (text, source) => {
  expect(modelAddress(text, "http://localhost/app/")).toEqual(source);
});

test.each(["", "https://", "ModernBERT-base", "a/b/c", "ftp://a/b"])(
  "%j is no address, and what is one is said",
  (text) => {
    expect(() => modelAddress(text, "http://localhost/")).toThrow(
      /\[model\] expected a model's id on the hub or the address of its folder, got .*: give owner\/name, or begin with https:\/\//,
    );
  },
);

const files = (...paths: string[]) => new Map(paths.map((path) => [path, new Blob([])]));

test("the model is where config.json is, also below the folder that was picked", () => {
  const source = modelFiles(files("x/notes.txt", "x/model/config.json", "x/model/1_Pooling/config.json"));
  expect(source).toEqual({ kind: "files", name: "x/model", files: files("config.json", "1_Pooling/config.json") });
});

test("files without a folder, and files without a model", () => {
  expect(modelFiles(files("config.json", "model.safetensors"))).toMatchObject({ name: "the files" });
  expect(() => modelFiles(files("a/readme.md", "a/1_Pooling/config.json"))).toThrow(/got no config\.json: choose/);
});

/** What opening a file gives where the server answers with a status and a type. */
async function answerOf(status: number, type = "text/plain") {
  const server = createServer((_, response) => response.writeHead(status, { "content-type": type }).end("x"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const folder = await openSource(url(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) as never, {
      hub: "",
      patience: 5000,
      signal: new AbortController().signal,
      onProgress: () => {},
      onNotice: () => {},
      kept: await openKeptFiles(0, () => {}),
    });
    return await folder.open("1_Pooling/config.json");
  } finally {
    server.close();
  }
}

test.each([
  [403, "text/plain"],
  [404, "text/plain"],
  [410, "text/plain"],
  [200, "text/html; charset=utf-8"],
])("status %i with %s: the file is not there", async (status, type) => {
  expect(await answerOf(status, type)).toBeUndefined();
});

test.each([401, 429, 500])("status %i is an error that names the file", async (status) => {
  const error = (await answerOf(status).catch((reason: unknown) => reason)) as DownloadError;
  expect(error).toBeInstanceOf(DownloadError);
  expect(error.status).toBe(status);
  expect(error.message).toMatch(/^\[download\] expected the file http.*1_Pooling\/config\.json, got status \d+$/);
});
