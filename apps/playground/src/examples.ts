/** Example models that the page was built with; see scripts/examples.mjs. */

export interface Example {
  /** Below examples/. */
  readonly folder: string;
  readonly title: string;
  /** What it is and how it was made, in a line. */
  readonly about: string;
}

declare const __EXAMPLES__: readonly Example[];

export const examples: readonly Example[] = __EXAMPLES__;
