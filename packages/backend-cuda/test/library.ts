/** What the tests share: whether the emulated library is there. */
import { findLibrary } from "../src/locate.ts";

/** Why the emulated library cannot be tested here, or undefined. */
export const missing: string | undefined =
  findLibrary("emulated") === undefined ? "there is no emulated library (no g++, or not Linux)" : undefined;
