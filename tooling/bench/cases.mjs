/** The batches that are measured: the lengths of their sequences, and the token ids, the same for every engine. */

/** Eight texts of 16 to 512 tokens, 256 on average: what a service sees. Peers pad them to 512. */
const mixed = [16, 64, 128, 200, 280, 384, 464, 512];

/** 32 texts of 8 to 512 tokens, most of them short, as sentences, reviews and mails are: 128 on average. */
const mixed32 = Array.from({ length: 32 }, (_, at) => Math.round(8 + 504 * (((at * 13) % 32) / 31) ** 3.2));

/** `BxL`, `mixed` or `mixed32`. @returns lengths of the sequences */
export function lengthsOf(name) {
  if (name === "mixed") return mixed;
  if (name === "mixed32") return mixed32;
  const [batch, length] = name.split("x").map(Number);
  if (!(batch > 0 && length > 0))
    throw new Error(`[bench] expected a case as BATCHxLENGTH, mixed or mixed32, got ${name}`);
  return Array.from({ length: batch }, () => length);
}

/** Row j, column i. torch_peer.py makes the same ones. */
const idAt = (row, column) => (7 * column + 11 * row) % 50000;

/** One Int32Array a sequence. */
export function sequencesOf(lengths) {
  return lengths.map((length, row) => Int32Array.from({ length }, (_, column) => idAt(row, column)));
}

/** All sequences in one row, as the trainer packs them. */
export function packedRow(lengths) {
  const ids = Int32Array.from(sequencesOf(lengths).flatMap((sequence) => [...sequence]));
  const cuSeqlens = Int32Array.from([0, ...lengths.map((_, at) => sum(lengths.slice(0, at + 1)))]);
  return { ids, cuSeqlens, maxSeqlen: Math.max(...lengths) };
}

/** What a step takes of one row. @param weight what the loss is divided by */
export function stepOf(row, lengths, weight) {
  return { rows: [row], weight, tokens: row.ids.length, sequences: lengths.length, packingEfficiency: 1 };
}

/** For engines that pad: ids [B · S], zero beyond a sequence's end. */
export function paddedIds(lengths) {
  const width = Math.max(...lengths);
  return Int32Array.from({ length: lengths.length * width }, (_, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    return column < lengths[row] ? idAt(row, column) : 0;
  });
}

/** Rows of the padded batch that are tokens. */
export function unpadded(values, lengths, width) {
  const stride = Math.max(...lengths) * width;
  const kept = new Float32Array(sum(lengths) * width);
  let at = 0;
  lengths.forEach((length, row) => {
    kept.set(values.subarray(row * stride, row * stride + length * width), at);
    at += length * width;
  });
  return kept;
}

export const sum = (values) => values.reduce((a, b) => a + b, 0);
