/** The sections in the order of the report. */
import type { Section } from "./section.ts";
import { tokensSection } from "./tokens/tokens.ts";

export const sections: readonly Section[] = [tokensSection];
