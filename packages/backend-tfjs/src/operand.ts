/** A view with its block: read as a tensor, and written. */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { View } from "@modernbert-ts/tensor-core";
import type { FlatBlock } from "./block.ts";
import { boxOf, distinctShape, endOf, isStretch, piecesOf, walkOf } from "./layout.ts";
import type { Walk } from "./layout.ts";
import { broadcast, column, joined, permuted, sliced } from "./shaping.ts";
import type { Storage, TfModule, TfTensor } from "./tfjs.ts";

export interface Operand extends View {
  readonly block: FlatBlock;
  readonly storage: Storage;
}

/** The elements, with extent 1 along axes that repeat one. */
export function read(tf: TfModule, operand: Operand): TfTensor {
  const { block, storage } = operand;
  const shape = distinctShape(operand);
  if (sizeOf(shape) === 0) return tf.zeros(shape, storage);
  const walk = walkOf(operand);
  const box = boxOf(walk);
  let elements: TfTensor;
  if (box === undefined) {
    const { rows, indices } = pieces(tf, walk, block.elements(storage, endOf(walk)), storage);
    elements = tf.gatherND(rows, indices);
  } else {
    const size = sizeOf(box.grid);
    const grid = sliced(tf, block.elements(storage, box.base + size), [box.base], [size]);
    elements = sliced(tf, tf.reshape(grid, [...box.grid]), box.begin, walk.extents);
  }
  const order = inOrder(walk).map((axis) => walk.axes.indexOf(axis));
  const inMemory = tf.reshape(
    elements,
    walk.axes.map((axis) => shape[axis]!),
  );
  return tf.reshape(permuted(tf, inMemory, order), shape);
}

/** All elements. */
export function readAll(tf: TfModule, operand: Operand): TfTensor {
  return broadcast(tf, read(tf, operand), operand.shape);
}

/**
 * Writes every element. `value` has the storage of the operand and broadcasts to its shape. What lies between the elements of the view
 * keeps its bits: it is moved, never computed with.
 */
export function write(tf: TfModule, operand: Operand, value: TfTensor): void {
  const { block, shape, storage } = operand;
  const size = sizeOf(shape);
  if (size === 0) return;
  const walk = walkOf(operand);
  const axes = inOrder(walk);
  const order = walk.axes.map((axis) => axes.indexOf(axis));
  const distinct = tf.reshape(
    broadcast(tf, value, shape),
    axes.map((axis) => shape[axis]!),
  );
  const elements = tf.reshape(permuted(tf, distinct, order), [size]);
  const [start, end] = [walk.offset, endOf(walk)];
  if (!isStretch(walk)) {
    const before = block.elements(storage, end);
    const { rows, indices, piece } = pieces(tf, walk, before, storage);
    const after = tf.tensorScatterUpdate(rows, indices, tf.reshape(elements, [size / piece, piece]));
    block.replace(storage, tf.slice(tf.reshape(after, [after.size]), [0], [before.size]));
  } else if (start === 0 && end >= block.length) {
    block.replace(storage, elements);
  } else {
    const before = block.elements(storage, end);
    const [head, tail] = [tf.slice(before, [0], [start]), tf.slice(before, [end], [before.size - end])];
    block.replace(storage, joined(tf, [head, elements, tail], 0));
  }
}

/** The axes of a walk in the order of the view. */
function inOrder({ axes }: Walk): number[] {
  return axes.toSorted((one, other) => one - other);
}

/** A flat tensor cut into rows of as many neighbours as a walk takes at once, and the indices of those that it takes. */
function pieces(
  tf: TfModule,
  walk: Walk,
  flat: TfTensor,
  storage: Storage,
): { readonly rows: TfTensor; readonly indices: TfTensor; readonly piece: number } {
  const { piece, first, steps } = piecesOf(walk);
  const count = Math.floor(flat.size / piece) + 1;
  // Never without padding, so always a copy: the CPU backend of TensorFlow.js scatters into the tensor that it is given.
  const padding = tf.zeros([count * piece - flat.size], storage);
  const rows = tf.reshape(tf.concat([flat, padding], 0), [count, piece]);
  const places = steps.reduce<TfTensor>(
    (sum, each, axis) => {
      const shape = steps.map((_, at) => (at === axis ? each.length : 1));
      return tf.add(sum, tf.reshape(tf.tensor1d(Int32Array.from(each), "int32"), shape));
    },
    tf.scalar(first, "int32"),
  );
  return { rows, indices: column(tf, places), piece };
}
