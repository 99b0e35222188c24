/** What was said of ModernBERT and is beyond a machine without its weights and its GPUs: named, so that silence is not taken for agreement. */
import type { Section } from "./section.ts";

const beyond = "cannot be shown on this machine";

export const limitsSection: Section = {
  name: "limits",
  title: "What cannot be shown here",
  minutes: { quick: 0, standard: 0, full: 0 },
  measure: async () => {},
  render: () => [],
  claims: () => [
    {
      claim: "Better than BERT on GLUE, retrieval and code search after 2 trillion tokens (paper, Table 1)",
      measured: "needs the published weights and years of these cores; what is trained here sees a few million tokens",
      verdict: beyond,
    },
    {
      claim: "148,000 tokens per second on a consumer GPU (paper, Table 2)",
      measured: "the ratios above are of this processor's kernels; a GPU's are other ones",
      verdict: beyond,
    },
  ],
};
