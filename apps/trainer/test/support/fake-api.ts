/** A local server in the place of a tracker's: keeps what it was sent and answers as it is told. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TrainingEvent } from "@modernbert-ts/training";
import { onTestFinished } from "vitest";

export interface Call {
  readonly path: string;
  readonly method: string;
  readonly authorization: string | undefined;
  readonly body: Record<string, unknown>;
}

export type Answer = (call: Call) => readonly [status: number, body: object] | "hang";

export async function serve(answer: Answer): Promise<{ uri: string; calls: Call[] }> {
  const calls: Call[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += String(part);
    const { url = "", method = "", headers } = request;
    const body = text === "" ? {} : (JSON.parse(text) as Call["body"]);
    const call = { path: url, method, authorization: headers.authorization, body };
    calls.push(call);
    const given = answer(call);
    if (given === "hang") return;
    response.writeHead(given[0], { "Content-Type": "application/json" }).end(JSON.stringify(given[1]));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}

/** With a gradient norm that is no number at step 2. */
export const stepEvent = (step: number, loss = 5): TrainingEvent => ({
  kind: "step",
  step,
  tokens: step * 10,
  loss,
  metrics: { maskedAccuracy: 0.1 },
  learningRate: 1e-3,
  gradientNorm: step === 2 ? Number.NaN : 1,
  lossScale: 1,
  packingEfficiency: 0.99,
  tokensPerSecond: 20,
  seconds: step,
});
