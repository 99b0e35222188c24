/** Which of NVIDIA's libraries there are, or where they were looked for. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const wanted = /^lib(cublasLt|nvrtc|nccl|cuda)\.so\.\d+$/;

export function findLibraries() {
  const looked = folders();
  const found = looked.flatMap((folder) =>
    filesIn(folder)
      .filter((name) => wanted.test(name))
      .map((name) => join(folder, name)),
  );
  return { found, looked };
}

function folders() {
  const variables = ["MODERNBERT_CUDA_LIBRARY_PATH", "LD_LIBRARY_PATH"].flatMap((name) =>
    (process.env[name] ?? "").split(":"),
  );
  const toolkits = ["/usr/local/cuda/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/local/nvidia/lib64"];
  return [...variables, ...toolkits, ...pipFolders()].filter((folder) => folder !== "" && existsSync(folder));
}

/** `nvidia/…/lib` beside the packages of Python. */
function pipFolders() {
  const code = "import sysconfig; print(sysconfig.get_paths()['purelib'])";
  const { status, stdout } = spawnSync(process.env.PYTHON ?? "python3", ["-c", code], { encoding: "utf8" });
  if (status !== 0) return [];
  const nvidia = join(stdout.trim(), "nvidia");
  return filesIn(nvidia).map((name) => join(nvidia, name, "lib"));
}

function filesIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
