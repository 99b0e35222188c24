/**
 * A view with its memory, and its elements as one row-major stream. All strides, broadcasts and dtypes are dealt with here:
 * kernels read stretches of a stream into Float64Array or Float32Array blocks, compute, and write blocks back.
 */
import type { DType, HostArray, Shape, Strides } from "@modernbert-ts/tensor-core";
import { decodeTable, encodeHalf } from "./half.ts";
import type { HalfType } from "./half.ts";

export interface Operand {
  readonly dtype: DType;
  /** The whole buffer as elements of `dtype`. */
  readonly data: HostArray;
  readonly shape: Shape;
  readonly strides: Strides;
  readonly offset: number;
}

/** Where kernels compute. */
export type Block = Float32Array | Float64Array;

/** An operand whose neighbouring axes are merged wherever one stride walks both, so that inner runs are as long as they can be. */
export interface Stream {
  readonly operand: Operand;
  readonly size: number;
  readonly extents: readonly number[];
  readonly strides: readonly number[];
}

/** Number of elements that kernels take at a time. */
export const blockSize = 1024;

export function openStream(operand: Operand): Stream {
  const extents: number[] = [];
  const strides: number[] = [];
  let size = 1;
  operand.shape.forEach((extent, axis) => {
    size *= extent;
    if (extent === 1) return;
    const stride = operand.strides[axis]!;
    const last = extents.length - 1;
    if (last >= 0 && strides[last] === stride * extent) {
      extents[last]! *= extent;
      strides[last] = stride;
    } else {
      extents.push(extent);
      strides.push(stride);
    }
  });
  return { operand, size, extents, strides };
}

/** Copies elements start … start+count-1 of the stream to `block` from index `at`. */
export function readStream(stream: Stream, start: number, count: number, block: Block, at = 0): void {
  eachRun(stream, start, count, (offset, stride, length, done) => {
    readRun(stream.operand, offset, stride, length, block, at + done);
  });
}

/** Copies `count` elements of `block` to the stream from element `start` on, with the conversions of the primitive `copy`. */
export function writeStream(stream: Stream, start: number, count: number, block: Block): void {
  eachRun(stream, start, count, (offset, stride, length, done) => {
    writeRun(stream.operand, offset, stride, length, block, done);
  });
}

function eachRun(
  { operand, extents, strides }: Stream,
  start: number,
  count: number,
  visit: (offset: number, stride: number, length: number, done: number) => void,
): void {
  const inner = extents.length - 1;
  const innerExtent = extents[inner] ?? 1;
  const innerStride = strides[inner] ?? 1;
  for (let done = 0; done < count;) {
    const column = (start + done) % innerExtent;
    let row = (start + done - column) / innerExtent;
    let offset = operand.offset + column * innerStride;
    for (let axis = inner - 1; axis >= 0; axis--) {
      const index = row % extents[axis]!;
      offset += index * strides[axis]!;
      row = (row - index) / extents[axis]!;
    }
    const length = Math.min(innerExtent - column, count - done);
    visit(offset, innerStride, length, done);
    done += length;
  }
}

/** `block[at + i]` = element `offset + i * stride` of the operand's memory, for i < length. */
export function readRun(
  operand: Operand,
  offset: number,
  stride: number,
  length: number,
  block: Block,
  at: number,
): void {
  const { data, dtype } = operand;
  if (isHalf(dtype)) {
    const table = decodeTable(dtype);
    for (let i = 0; i < length; i++) block[at + i] = table[data[offset + i * stride]!]!;
  } else if (stride === 1 && length >= 16) {
    block.set(data.subarray(offset, offset + length), at);
  } else if (stride === 0) {
    block.fill(data[offset]!, at, at + length);
  } else if (data instanceof Float32Array) {
    for (let i = 0; i < length; i++) block[at + i] = data[offset + i * stride]!;
  } else {
    for (let i = 0; i < length; i++) block[at + i] = data[offset + i * stride]!;
  }
}

/** The inverse of `readRun`; typed arrays truncate toward zero when they hold integers. */
export function writeRun(
  operand: Operand,
  offset: number,
  stride: number,
  length: number,
  block: Block,
  at: number,
): void {
  const { data, dtype } = operand;
  if (isHalf(dtype)) {
    for (let i = 0; i < length; i++) data[offset + i * stride] = encodeHalf(block[at + i]!, dtype);
  } else if (stride === 1 && length >= 16) {
    data.set(block.subarray(at, at + length), offset);
  } else if (data instanceof Float32Array) {
    for (let i = 0; i < length; i++) data[offset + i * stride] = block[at + i]!;
  } else {
    for (let i = 0; i < length; i++) data[offset + i * stride] = block[at + i]!;
  }
}

function isHalf(dtype: DType): dtype is HalfType {
  return dtype === "f16" || dtype === "bf16";
}

const scratchBlocks: Float64Array[] = [];

/** Working memory that stays between calls; `slot` tells apart the blocks that one kernel holds at a time. Its content is undefined. */
export function scratch(slot: number, length: number): Float64Array {
  let block = scratchBlocks[slot];
  if (block === undefined || block.length < length) {
    block = new Float64Array(length);
    scratchBlocks[slot] = block;
  }
  return block;
}
