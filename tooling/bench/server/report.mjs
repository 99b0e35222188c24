/** The results of the server's benchmark as text. */
import { loadavg } from "node:os";
import { machine, show, table } from "../report.mjs";

const share = (a, b) => (a && b ? `${show((100 * a) / b)} %` : "–");
const ratio = (a, b) => (a && b ? `${show(a / b, 1)}×` : "–");
const pair = (values) => (values ? values.map((value) => show(value, 1)).join(" / ") : "–");

export function report({ shape, rows, short, bulk }) {
  const header = [
    "connections",
    "engine alone",
    "server",
    "of the engine",
    "transformers.js + fastify",
    "ratio",
    "p50 / p99 ms",
    "theirs",
  ];
  const cells = rows.map(({ connections, tokensPerSecond: speed, ours: latency, peer }) => [
    connections,
    show(speed.engine),
    show(speed.ours),
    share(speed.ours, speed.engine),
    show(speed["transformers.js"]),
    ratio(speed.ours, speed["transformers.js"]),
    pair(latency),
    pair(peer),
  ]);
  return [
    `Real tokens a second, shape ${shape}, texts of 8 to 256 tokens, one a request; the clients share the processors. ${machine()}, load ${show(loadavg()[0], 1)}.`,
    table(header, cells),
    `A query of 10 tokens: ${show(short.engine, 2)} ms of the engine, ${show(short.http, 2)} ms over HTTP: ${show(short.http - short.engine, 2)} ms added.`,
    `256 texts of 10 tokens in a request: ${show(bulk.float, 1)} ms as float JSON, ${show(bulk.base64, 1)} ms as base64.`,
  ].join("\n\n");
}
