/** The sections in the order of the report. */
import { ablationsSection } from "./ablations/ablations.ts";
import { limitsSection } from "./limits.ts";
import { qualitySection } from "./quality/quality.ts";
import { rtdSection } from "./rtd/rtd.ts";
import type { Section } from "./section.ts";
import { speedSection } from "./speed/speed.ts";
import { tokensSection } from "./tokens/tokens.ts";

export const sections: readonly Section[] = [
  speedSection,
  qualitySection,
  ablationsSection,
  rtdSection,
  tokensSection,
  limitsSection,
];
