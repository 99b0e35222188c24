"""Files by the Python library: every dtype that our reader knows, torch's own rounding to float16 and bfloat16, float8 as torch widens it."""

import torch

from common import SAFETENSORS_FIXTURES, generator, save_golden

DTYPES = {
    "f64": torch.float64,
    "f32": torch.float32,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "i64": torch.int64,
    "i32": torch.int32,
    "i16": torch.int16,
    "i8": torch.int8,
    "u8": torch.uint8,
    "u16": torch.uint16,
    "u32": torch.uint32,
    "bool": torch.bool,
}
FLOAT8 = {
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
    "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
}


def make() -> None:
    counting = torch.tensor([[0, 1, 2], [3, 100, 127]])
    tensors = {f"dtype.{name}": counting.to(dtype) for name, dtype in DTYPES.items()}
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.empty(0, 3)
    tensors["ünïcode \"quoted\"\n"] = torch.tensor([1.5])

    # Values of every magnitude that the formats distinguish, halfway cases between float16 and between bfloat16 neighbours, and the limits.
    random = generator("safetensors/rounding")
    spread = torch.randn(1500, generator=random) * torch.exp2(torch.randint(-30, 20, (1500,), generator=random))
    halves = torch.arange(1, 400, dtype=torch.float32)
    edges = [0.0, -0.0, 65504.0, 65519.99, 65520.0, 2.0**-14, 2.0**-24, 2.0**-25, 3 * 2.0**-25, 3.4e38, 1e-45]
    ties = torch.cat([1 + halves / 2048, (1 + halves / 256), halves * 2.0**-25])
    values = torch.cat([spread, ties, torch.tensor(edges), -torch.tensor(edges)])
    tensors |= {"rounding.f32": values, "rounding.f16": values.to(torch.float16), "rounding.bf16": values.to(torch.bfloat16)}
    save_golden(SAFETENSORS_FIXTURES / "python", tensors)

    # Every bit pattern of each float8 format beside its float32 value, and dtypes that our reader does not know.
    patterns = torch.arange(256, dtype=torch.int32).to(torch.uint8)
    float8 = {name: patterns.view(dtype) for name, dtype in FLOAT8.items()}
    widened = {f"{name}.f32": tensor.to(torch.float32) for name, tensor in float8.items()}
    unknown = {"complex": torch.zeros(2, 3, dtype=torch.complex64), "scales": patterns.view(torch.float8_e8m0fnu)}
    save_golden(SAFETENSORS_FIXTURES / "float8", float8 | widened | unknown)
