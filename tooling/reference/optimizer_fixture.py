"""Ten steps of StableAdamW with fully decoupled weight decay, written from the algorithm in plain torch operations, f32."""

import torch

from common import TRAINING_FIXTURES, generator, require_finite, save_golden

STEPS = 10
BETA1, BETA2, EPS, WEIGHT_DECAY, MAX_LR = 0.9, 0.98, 1e-6, 1e-2, 8e-4
LEARNING_RATES = [MAX_LR * factor for factor in (1e-10, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 0.7, 0.4, 0.1)]
# Names and shapes; tensors of one dimension are not decayed.
SHAPES = {"matrix.weight": (16, 33), "small.weight": (3, 5), "norm.weight": (33,), "decoder.bias": (7,)}


def debiased_beta(beta: float, step: int) -> float:
    """The average's weight such that no later bias correction is needed: 0 at step 1, towards beta."""
    return (beta**step - beta) / (beta**step - 1)


def stable_adamw(param: torch.Tensor, m: torch.Tensor, v: torch.Tensor, grad: torch.Tensor, step: int, lr: float, decay: float) -> None:
    beta1, beta2 = debiased_beta(BETA1, step), debiased_beta(BETA2, step)
    m.mul_(beta1).add_(grad, alpha=1 - beta1)
    v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
    rms = (grad.square() / v.clamp(min=EPS**2)).mean().sqrt().item()
    lr = lr / max(1.0, rms)
    param.mul_(1 - lr / MAX_LR * decay)
    param.addcdiv_(m, v.sqrt().add_(EPS), value=-lr)


def gradient(name: str, step: int, shape: tuple[int, ...], random: torch.Generator) -> torch.Tensor:
    """Ordinary noise, except where the algorithm's edges are: a spike (update clipping), a zero gradient, and one below eps."""
    grad = 0.02 * torch.randn(shape, generator=random)
    if step == 4:
        return 50 * grad
    if step == 6 and name == "norm.weight":
        return torch.zeros(shape)
    if name == "decoder.bias":
        return 1e-5 * grad
    return grad


def make() -> None:
    tensors = {}
    for name, shape in SHAPES.items():
        random = generator(f"stable_adamw/{name}")
        param = torch.randn(shape, generator=random)
        m, v = torch.zeros(shape), torch.zeros(shape)
        tensors[f"param.{name}"] = param.clone()
        for step, lr in enumerate(LEARNING_RATES, start=1):
            grad = gradient(name, step, shape, random)
            stable_adamw(param, m, v, grad, step, lr, WEIGHT_DECAY if param.ndim > 1 else 0.0)
            tensors |= {f"grad.{step}.{name}": grad}
            tensors |= {f"step.{step}.{key}.{name}": value.clone() for key, value in (("param", param), ("m", m), ("v", v))}
    require_finite("stable_adamw", tensors)
    config = dict(steps=STEPS, betas=[BETA1, BETA2], eps=EPS, weight_decay=WEIGHT_DECAY, max_lr=MAX_LR, learning_rates=LEARNING_RATES)
    config["decayed"] = [name for name, shape in SHAPES.items() if len(shape) > 1]
    save_golden(TRAINING_FIXTURES / "stable_adamw", tensors, config=config)
