/**
 * The growing list of tokens that one encoding fills: ids, and byte ranges in the original text when offsets are wanted.
 * It is reused from call to call; results are copied out of it.
 */
const KEPT_TOKENS = 1 << 18;

export class TokenList {
  ids: Int32Array = new Int32Array(1024);
  /** Start and end of each token in bytes of the original text; used only when `withOffsets`. */
  ranges: Int32Array = new Int32Array(0);
  length = 0;
  withOffsets = false;
  /** Text of added tokens that matched more or other than their content (blanks around, other case), by position. */
  texts: Map<number, string> | undefined;

  reset(withOffsets: boolean): void {
    if (this.ids.length > KEPT_TOKENS) this.ids = new Int32Array(1024);
    if (this.ranges.length > 2 * KEPT_TOKENS) this.ranges = new Int32Array(0);
    this.length = 0;
    this.withOffsets = withOffsets;
    this.texts = undefined;
    this.reserve(0);
  }

  /** Makes room for `more` further tokens. */
  reserve(more: number): void {
    const need = this.length + more;
    if (this.ids.length < need) this.ids = grown(this.ids, need);
    if (this.withOffsets && this.ranges.length < 2 * this.ids.length)
      this.ranges = grown(this.ranges, 2 * this.ids.length);
  }

  push(id: number, start: number, end: number): void {
    this.reserve(1);
    if (this.withOffsets) {
      this.ranges[2 * this.length] = start;
      this.ranges[2 * this.length + 1] = end;
    }
    this.ids[this.length++] = id;
  }
}

function grown(array: Int32Array, need: number): Int32Array {
  const larger = new Int32Array(Math.max(need, array.length + (array.length >> 1)));
  larger.set(array);
  return larger;
}
