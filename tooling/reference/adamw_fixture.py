"""Ten steps of torch.optim.AdamW in two groups, with and without decay: the gradients and learning rates of optimizer_fixture."""

import torch

from common import TRAINING_FIXTURES, generator, require_finite, save_golden
from optimizer_fixture import BETA1, BETA2, EPS, LEARNING_RATES, SHAPES, STEPS, gradient

WEIGHT_DECAY = 0.1


def make() -> None:
    random = {name: generator(f"adamw/{name}") for name in SHAPES}
    params = {name: torch.nn.Parameter(torch.randn(shape, generator=random[name])) for name, shape in SHAPES.items()}
    tensors = {f"param.{name}": param.detach().clone() for name, param in params.items()}
    groups = [
        dict(params=[param for param in params.values() if param.ndim > 1], weight_decay=WEIGHT_DECAY),
        dict(params=[param for param in params.values() if param.ndim == 1], weight_decay=0.0),
    ]
    optimizer = torch.optim.AdamW(groups, betas=(BETA1, BETA2), eps=EPS, foreach=False)
    for step, lr in enumerate(LEARNING_RATES, start=1):
        for group in optimizer.param_groups:
            group["lr"] = lr
        for name, param in params.items():
            param.grad = gradient(name, step, SHAPES[name], random[name])
            tensors[f"grad.{step}.{name}"] = param.grad.clone()
        optimizer.step()
        for name, param in params.items():
            state = optimizer.state[param]
            values = dict(param=param.detach(), m=state["exp_avg"], v=state["exp_avg_sq"])
            tensors |= {f"step.{step}.{key}.{name}": value.clone() for key, value in values.items()}
    require_finite("adamw", tensors)
    config = dict(steps=STEPS, betas=[BETA1, BETA2], eps=EPS, weight_decay=WEIGHT_DECAY, learning_rates=LEARNING_RATES)
    save_golden(TRAINING_FIXTURES / "adamw", tensors, config=config)
