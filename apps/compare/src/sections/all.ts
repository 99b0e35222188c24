/** The sections in the order of the report. */
import type { Section } from "./section.ts";

export const sections: readonly Section[] = [];
