/** BERT beside ModernBERT, measured on this machine: sections that measure and one report of them. */
export { CompareError } from "./errors.ts";
export { budgetMinutes, levels } from "./level.ts";
export type { Level } from "./level.ts";
export { sections } from "./sections/all.ts";
export type { Context, Section } from "./sections/section.ts";
export type { JsonObject, Measurement } from "./records/record.ts";
export type { Block, Claim } from "./report/block.ts";
export { compare } from "./run/compare.ts";
export type { CompareOptions, CompareResult } from "./run/compare.ts";
