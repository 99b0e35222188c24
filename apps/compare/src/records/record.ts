/** One measurement as it lies on disk. */
import type { Machine } from "./machine.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined };
export type JsonObject = { readonly [name: string]: Json | undefined };

export interface Measurement<V = JsonObject> {
  /** Of the section: its records are one set. */
  readonly section: string;
  /** Which of the section's measurements this is; the file is named by it. */
  readonly key: string;
  /** All that decides the values besides the machine. A record with other settings is measured again. */
  readonly settings: JsonObject;
  readonly values: V;
  readonly machine: Machine;
  readonly node: string;
  /** ISO 8601. */
  readonly date: string;
  /** How long the measurement took. */
  readonly seconds: number;
}
