/** The golden fixtures that tooling/reference made with transformers and torch, from disk. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseFixture } from "./fixture-data.ts";
import type { Fixture } from "./fixture-data.ts";

export { fixtureModel } from "./fixture-data.ts";
export type { Fixture } from "./fixture-data.ts";

export function fixtureFolder(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

export function readConfigJson(name: string, file = "config.json"): Record<string, unknown> {
  return JSON.parse(readFileSync(`${fixtureFolder(name)}/${file}`, "utf8")) as Record<string, unknown>;
}

export function readFixture(name: string): Fixture {
  return parseFixture(name, readConfigJson(name), readFileSync(`${fixtureFolder(name)}/golden.safetensors`));
}
