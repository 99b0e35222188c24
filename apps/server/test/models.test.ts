/** Several models in one server: routed by name, loaded on demand, unloaded when idle. On stubs that compute for no folder in particular. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serializeSafetensors } from "@modernbert-ts/safetensors";
import { beforeAll, describe, expect, test } from "vitest";
import { startServer, StartError } from "../src/index.ts";
import { magic, readyStub, stubFolder } from "./stub-server.ts";

let model: readonly [string, string];
const servedModelName = ["first", "second"];

/** A folder whose weights would take 4,000 bytes. */
async function folderOf(config: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await stubFolder(config);
  const weights = [{ name: "weight", dtype: "F32", shape: [1000], data: new Float32Array(1000) }] as const;
  await writeFile(join(folder, "model.safetensors"), serializeSafetensors(weights));
  return folder;
}

beforeAll(async () => {
  model = [await folderOf({}), await folderOf({ architectures: ["ModernBertModel"], max_position_embeddings: 16 })];
});

describe("names", () => {
  test("requests go to the model that they name, by its served name or as it was given; to the first where they name none", async () => {
    await using server = await readyStub({ model, servedModelName });
    const info = async (query = ""): Promise<unknown> => (await fetch(`${server.url}/info${query}`)).json();
    expect(await info()).toMatchObject({ model_id: model[0], served_model_name: "first" });
    expect(await info("?model=second")).toMatchObject({ model_id: model[1], served_model_name: "second" });
    const input = Array.from({ length: 20 }, (_, index) => index);
    const answer = await server.post("/v1/embeddings", { input, model: model[1] });
    expect(await answer.json()).toMatchObject({ model: "second", usage: { total_tokens: 16 } });
    const tokens = async (named: object): Promise<string | null> =>
      (await server.post("/embed", { inputs: input, ...named })).headers.get("x-compute-tokens");
    expect([await tokens({ model: "second" }), await tokens({})]).toEqual(["16", "20"]);
    expect((await server.post("/fill-mask", { inputs: "[MASK]", model: "second" })).status).toBe(424);
    expect((await server.post("/pseudo-log-likelihood", { inputs: "a", model: "second" })).status).toBe(424);
  });

  test("a name that none has is refused with those that there are; one model answers to any", async () => {
    await using server = await readyStub({ model, servedModelName });
    const refused = await server.post("/embed", { inputs: "a", model: "third" });
    expect([refused.status, await refused.json()]).toEqual([
      404,
      { error: 'there is no model "third": this server has first, second', error_type: "Validation" },
    ]);
    expect((await server.post("/embed", { inputs: "a", model: 3 })).status).toBe(422);
    await using single = await readyStub();
    expect((await single.post("/embed", { inputs: "a", model: "text-embedding-3-small" })).status).toBe(200);
  });

  test("two models of one name, or names for some only, are refused at the start", async () => {
    await expect(startServer({ model, servedModelName: ["a", "a"], port: 0 })).rejects.toThrow("got a twice");
    await expect(startServer({ model, servedModelName: "a", port: 0 })).rejects.toThrow(
      "expected as many of servedModelName as models (2), in their order, got 1",
    );
  });
});

describe("memory", () => {
  test("a model without room is loaded on demand in the place of the other; /health stays 200", async () => {
    await using server = await readyStub({ model, servedModelName, memoryBudget: 5000 });
    expect(server.folders).toEqual([model[0]]);
    const embed = async (name: string): Promise<number> =>
      (await server.post("/embed", { inputs: "a", model: name })).status;
    expect(await embed("second")).toBe(200);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect(await Promise.all([embed("second"), embed("first"), embed("second"), embed("first")])).toEqual([
      200, 200, 200, 200,
    ]);
    expect(server.folders.slice(0, 3)).toEqual([model[0], model[1], model[0]]);
  });

  test("who waits for room that does not come hears 503 at the deadline", async () => {
    await using server = await readyStub({ model, servedModelName, memoryBudget: 5000, requestTimeout: 1 });
    const long = [magic.hold, ...Array.from({ length: 30 }, () => 1)];
    const held = server.post("/embed", { inputs: [long] });
    const waiting = await server.post("/embed", { inputs: "a", model: "second" });
    expect(waiting.status).toBe(503);
    server.release();
    await held;
  });

  test("one that is larger than the budget is refused by name", async () => {
    const started = startServer({ model, servedModelName, memoryBudget: 3000, port: 0 });
    await expect(started).rejects.toThrow(StartError);
    await expect(started).rejects.toThrow("got first of some 4000 bytes");
  });
});
