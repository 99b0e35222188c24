/** Which cuBLASLt is taken, and where it was looked for. */
import { spawnSync } from "node:child_process";
import { findCublasLt } from "../../../packages/backend-cuda/dist/find-cublaslt.js";

export function findLibraries() {
  const { path, places } = findCublasLt();
  return { cublasLt: path ?? "not found", places };
}

const program = "import glob, nvidia; print(*(f for p in nvidia.__path__ for f in glob.glob(p + '/*/lib')), sep=':')";

/** Where there is no cuBLASLt in the usual places, that of the peers' Python, wherever it lies. Said, and for this run alone. */
export function lookInPython() {
  if (process.env["MODERNBERT_CUDA_LIBRARY_PATH"] || findCublasLt().path) return;
  const { status, stdout } = spawnSync(process.env["PYTHON"] ?? "python3", ["-c", program], { encoding: "utf8" });
  if (status !== 0 || stdout.trim() === "") return;
  process.env["MODERNBERT_CUDA_LIBRARY_PATH"] = stdout.trim();
  console.log(`MODERNBERT_CUDA_LIBRARY_PATH=${stdout.trim()}`);
}
