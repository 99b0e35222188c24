/** Pages of other origins: which of them browsers let read answers. Requests may carry an API key. */
import cors from "@fastify/cors";
import type { FastifyInstance } from "fastify";

/** @param origins such as https://example.com; `*` for any */
export async function allowOrigins(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  await app.register(cors, {
    origin: origins.includes("*") ? "*" : [...origins],
    methods: ["GET", "POST"],
    allowedHeaders: ["Content-Type", "Authorization"],
    exposedHeaders: ["Retry-After", "X-Compute-Tokens", "X-Compute-Characters", "X-Total-Time"],
    maxAge: 600,
    strictPreflight: false,
  });
}
