/** The sections in the order of the report. */
import { limitsSection } from "./limits.ts";
import type { Section } from "./section.ts";
import { speedSection } from "./speed/speed.ts";
import { tokensSection } from "./tokens/tokens.ts";

export const sections: readonly Section[] = [speedSection, tokensSection, limitsSection];
