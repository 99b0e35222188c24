/** Something that the person at the keyboard can put right: one line that says what to do. */
export class CompareError extends Error {
  override readonly name = "CompareError";
}
