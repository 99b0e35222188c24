/**
 * Builds ONNX files (ONNX IR 8, opset 17) node by node. Weights go to one external data file beside the model, streamed.
 * Field numbers are those of onnx.proto3.
 */
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { field, float, int } from "./protobuf.mjs";

const FLOAT = 1;
const INT8 = 3;
const INT64 = 7;

export class Graph {
  #nodes = [];
  #initializers = [];
  #inputs = [];
  #outputs = [];
  #counter = 0;
  #data;
  #dataName;
  #offset = 0;

  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
    this.#dataName = "weights.bin";
    this.#data = openSync(`${folder}/${this.#dataName}`, "w");
  }

  /** A named input; extents are numbers or names of free dimensions. */
  input(name, type, shape) {
    this.#inputs.push(valueInfo(name, type === "int64" ? INT64 : FLOAT, shape));
    return name;
  }

  output(name, shape) {
    this.#outputs.push(valueInfo(name, FLOAT, shape));
  }

  /** A weight in float32 or, from an Int8Array, int8; written to the external file at a 4096-byte boundary. */
  weight(name, shape, values) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#offset = Math.ceil(this.#offset / 4096) * 4096;
    writeSync(this.#data, bytes, 0, bytes.length, this.#offset);
    const type = values instanceof Int8Array ? INT8 : FLOAT;
    const location = [entry("location", this.#dataName), entry("offset", this.#offset), entry("length", bytes.length)];
    this.#initializers.push(
      field(5, [...shape.map((n) => int(1, n)), int(2, type), field(8, name), ...location, int(14, 1)]),
    );
    this.#offset += bytes.length;
    return name;
  }

  /** A small constant: a float scalar or a list of int64. */
  constant(value) {
    const name = `c${this.#counter++}`;
    if (Array.isArray(value)) {
      const raw = new BigInt64Array(value.map(BigInt));
      this.#initializers.push(
        field(5, [int(1, value.length), int(2, INT64), field(8, name), field(9, new Uint8Array(raw.buffer))]),
      );
    } else {
      const raw = Float32Array.of(value);
      this.#initializers.push(field(5, [int(2, FLOAT), field(8, name), field(9, new Uint8Array(raw.buffer))]));
    }
    return name;
  }

  /** Adds a node and returns the name (or names) of its result. */
  node(op, inputs, attributes = {}, outputs = 1) {
    const names = Array.from({ length: outputs }, () => `t${this.#counter++}`);
    const encoded = Object.entries(attributes).map(([key, value]) => field(5, attribute(key, value)));
    this.#nodes.push(
      field(1, [
        ...inputs.map((i) => field(1, i)),
        ...names.map((n) => field(2, n)),
        field(3, names[0]),
        field(4, op),
        ...encoded,
      ]),
    );
    return outputs === 1 ? names[0] : names;
  }

  /** Gives a result the name of a graph output. */
  rename(from, to) {
    this.#nodes.push(field(1, [field(1, from), field(2, to), field(3, to), field(4, "Identity")]));
  }

  save() {
    closeSync(this.#data);
    const inputs = this.#inputs.map((v) => field(11, v));
    const outputs = this.#outputs.map((v) => field(12, v));
    const graph = [...this.#nodes, field(2, "modernbert"), ...this.#initializers, ...inputs, ...outputs];
    const model = [int(1, 8), field(2, "modernbert-ts bench"), field(7, graph), field(8, [field(1, ""), int(2, 17)])];
    const file = `${this.folder}/model.onnx`;
    writeFileSync(file, Buffer.concat(model));
    return file;
  }
}

/** One key of a tensor's external data. */
function entry(key, value) {
  return field(13, [field(1, key), field(2, String(value))]);
}

function attribute(name, value) {
  if (Array.isArray(value)) return [field(1, name), ...value.map((v) => int(8, v)), int(20, 7)];
  if (Number.isInteger(value)) return [field(1, name), int(3, value), int(20, 2)];
  return [field(1, name), float(2, value), int(20, 1)];
}

function valueInfo(name, type, shape) {
  const dims = shape.map((n) => field(1, [typeof n === "number" ? int(1, n) : field(2, n)]));
  return [field(1, name), field(2, [field(1, [int(1, type), field(2, dims)])])];
}
