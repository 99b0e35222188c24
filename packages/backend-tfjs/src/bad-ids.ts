/**
 * Ids come from data, so a kernel meets bad ones on the device: it goes on with zeros in their place. Which command met the first waits in
 * one small tensor for the next `read` or `synchronize`.
 */
import { DeviceValueError } from "@modernbert-ts/tensor-core";
import type { TfModule, TfTensor } from "./tfjs.ts";

interface Range {
  readonly operation: string;
  readonly count: number;
}

export class BadIds {
  readonly #tf: TfModule;
  /** By code, from 1 on. */
  readonly #ranges: Range[] = [];
  readonly #codes = new Map<string, number>();
  /** [code of the first command with a bad id or 0, the id]. */
  #first: TfTensor | undefined;

  constructor(tf: TfModule) {
    this.#tf = tf;
  }

  /** The ids (i32), with `count` in place of those outside 0 … count-1, which are remembered. */
  checked(operation: string, ids: TfTensor, count: number): TfTensor {
    const tf = this.#tf;
    if (ids.size === 0) return ids;
    const whole = (value: number): TfTensor => tf.scalar(value, "int32");
    const isBad = (id: TfTensor): TfTensor => tf.logicalOr(tf.less(id, whole(0)), tf.greaterEqual(id, whole(count)));
    const flat = tf.reshape(ids, [ids.size]);
    const [low, high] = [tf.min(flat, [0], true), tf.max(flat, [0], true)];
    const worst = tf.where(tf.less(low, whole(0)), low, high);
    const code = tf.tensor1d(Int32Array.of(this.#codeOf({ operation, count })), "int32");
    this.#remember(isBad(worst), tf.concat([code, worst], 0));
    return tf.where(isBad(ids), whole(count), ids);
  }

  /** The error of the first bad id since the last call. */
  async take(): Promise<DeviceValueError | undefined> {
    const first = this.#first;
    if (first === undefined) return undefined;
    this.#first = undefined;
    const data = await first.data();
    first.dispose();
    const [code, id] = new Int32Array(data.buffer, data.byteOffset, 2) as unknown as [number, number];
    if (code === 0) return undefined;
    const { operation, count } = this.#ranges[code - 1]!;
    return new DeviceValueError(operation, `expected ids from 0 to ${count - 1}, got ${id}`);
  }

  dispose(): void {
    this.#first?.dispose();
    this.#first = undefined;
  }

  #remember(bad: TfTensor, entry: TfTensor): void {
    const tf = this.#tf;
    const before = this.#first ?? tf.zeros([2], "int32");
    const none = tf.equal(tf.slice(before, [0], [1]), tf.scalar(0, "int32"));
    const next = tf.keep(tf.where(tf.logicalAnd(none, bad), entry, before));
    this.#first?.dispose();
    this.#first = next;
  }

  #codeOf(range: Range): number {
    const key = `${range.operation} ${range.count}`;
    const known = this.#codes.get(key);
    if (known !== undefined) return known;
    const code = this.#ranges.push(range);
    this.#codes.set(key, code);
    return code;
  }
}
