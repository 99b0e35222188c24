/** Where cuBLASLt is looked for, and in which order. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findCublasLt } from "../src/find-cublaslt.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "modernbert-cublaslt-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function file(path: string, content = ""): string {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
  return join(root, path);
}

const find = (env: Readonly<Record<string, string>> = {}): string | undefined =>
  findCublasLt({ env, home: join(root, "home"), root }).path;

test("the best place comes first, whatever lies in the others", () => {
  const environment = {
    MODERNBERT_CUDA_LIBRARY_PATH: `${root}/nowhere:${root}/asked`,
    LD_LIBRARY_PATH: join(root, "loader"),
    CUDA_HOME: join(root, "home-of-cuda"),
    CUDA_PATH: join(root, "path-of-cuda"),
    CONDA_PREFIX: join(root, "conda"),
    VIRTUAL_ENV: join(root, "venv"),
  };
  file("etc/ld.so.conf.d/cuda.conf", "# of the toolkit\n/opt/cuda/lib\n");
  const places = [
    "asked",
    "loader",
    "opt/cuda/lib",
    "usr/lib/x86_64-linux-gnu",
    "home-of-cuda/lib64",
    "home-of-cuda/targets/x86_64-linux/lib",
    "path-of-cuda/lib64",
    "usr/local/cuda/lib64",
    "usr/local/cuda-13.1/lib64",
    "usr/local/cuda-9.2/lib64",
    "usr/local/cuda-13.0/targets/x86_64-linux/lib",
    "conda/lib",
    "venv/lib/python3.12/site-packages/nvidia/cu13/lib",
    "conda/lib/python3.11/site-packages/nvidia/cublas/lib",
    "home/.local/lib/python3.11/site-packages/nvidia/cublas/lib",
    "usr/local/lib/python3.11/dist-packages/nvidia/cu13/lib",
    "usr/lib/python3/dist-packages/nvidia/cu13/lib",
  ];
  const found = places.map((place) => file(`${place}/libcublasLt.so.12`));
  for (const path of found) {
    expect(find(environment)).toBe(path);
    rmSync(path);
  }
  expect(find(environment)).toBeUndefined();
});

test("version 13 comes before 12 where both lie together, but not from a place further down", () => {
  file("usr/lib64/libcublasLt.so.12");
  file("usr/local/cuda/lib64/libcublasLt.so.13");
  expect(find()).toBe(join(root, "usr/lib64/libcublasLt.so.12"));
  const newer = file("usr/lib64/libcublasLt.so.13");
  expect(find()).toBe(newer);
});

test("what cannot be read is passed over", () => {
  mkdirSync(join(root, "etc/ld.so.conf.d/folder.conf"), { recursive: true });
  file("usr/lib/python3/dist-packages/nvidia", "no folder");
  expect(find()).toBeUndefined();
});

test("other files do not count, and all places are named", () => {
  file("usr/lib64/libcublasLt.so.11");
  file("usr/lib64/libcublas.so.13");
  const { path, places } = findCublasLt({ env: { LD_LIBRARY_PATH: "/a:/b" }, home: "/home/me", root });
  expect(path).toBeUndefined();
  expect(places.slice(0, 2)).toEqual(["/a", "/b"]);
  expect(places).toContain("/home/me/.local/lib/python3*/site-packages/nvidia/*/lib");
  expect(new Set(places).size).toBe(places.length);
});
