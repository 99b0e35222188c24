/** Health and reflection of the gRPC server, and its end while somebody watches. On stubs. */
import { Client, credentials, status } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { clientOf, healthOf, watchHealth } from "./grpc-client.ts";
import { magic, readyStub, startStub } from "./stub-server.ts";
import { until } from "./until.ts";

const same = (bytes: Buffer): Buffer => bytes;

describe("on a stub", () => {
  test("health follows the model; a port that is taken is told", async () => {
    await using stub = await startStub({ grpcPort: 0, holdLoad: true });
    expect(await healthOf(stub.grpcPort!, "")).toBe("NOT_SERVING");
    const { Embed } = clientOf(stub.grpcPort!, "Embed");
    await expect(Embed!({ inputs: "a" })).rejects.toMatchObject({ code: status.UNAVAILABLE });
    stub.load();
    await stub.ready;
    expect([await healthOf(stub.grpcPort!, ""), await healthOf(stub.grpcPort!, "tei.v1.Rerank")]).toEqual([
      "SERVING",
      "NOT_SERVING",
    ]);
    await expect(startStub({ grpcPort: stub.grpcPort! })).rejects.toThrow(/cannot listen on .*--grpc-port/);
    await expect(startStub({ grpcPort: 0, rateLimit: 5 })).rejects.toThrow(/no rateLimit beside grpcPort/);
  });

  test("the server ends while health is watched: watchers are told, calls under way are answered", async () => {
    const stub = await readyStub({ grpcPort: 0, shutdownTimeout: 60 });
    const seen: (string | null)[] = [];
    watchHealth(stub.grpcPort!, "tei.v1.Embed", (told) => seen.push(told));
    const held = stub.post("/embed", { inputs: [[magic.hold]] });
    await until(() => seen.length === 1 && stub.batches.length === 1);
    const answered = clientOf(stub.grpcPort!, "Embed")["Embed"]!({ inputs: "a" });
    await until(async () => /^te_queue_size 1$/m.test(await (await fetch(`${stub.url}/metrics`)).text()));
    const began = performance.now();
    const closed = stub[Symbol.asyncDispose]();
    await until(() => seen.at(-1) === "NOT_SERVING");
    stub.release();
    expect((await answered)["embeddings"]).toHaveLength(8);
    expect((await held).status).toBe(200);
    await closed;
    expect(performance.now() - began).toBeLessThan(20_000); // of a minute
    expect(seen).toEqual(["SERVING", "NOT_SERVING", null]);
  });

  test("reflection tells the interface to those who have not its file", async () => {
    await using stub = await readyStub({ grpcPort: 0 });
    const client = new Client(`127.0.0.1:${stub.grpcPort}`, credentials.createInsecure());
    onTestFinished(() => client.close());
    const path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    const stream = client.makeBidiStreamRequest(path, same, same);
    const listed = new Promise<Buffer>((resolve) => stream.on("data", resolve));
    stream.write(Buffer.from([0x3a, 0x01, 0x2a])); // list_services: "*"
    expect(String(await listed)).toContain("tei.v1.Embed");
    stream.end();
  });
});
