"""What the generators of operator cases share: one case is inputs, the output, and gradients of sum(output * cotangent) by PyTorch."""

import numpy as np
import torch

from fixture import grid, tensor


class OperatorCases:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.cases = []

    def add(self, op, title, inputs, forward, fixed=(), **attributes):
        """One case; gradients of the inputs at the places in `fixed` are null."""
        operands = [torch.tensor(x, dtype=torch.float64, requires_grad=i not in fixed) for i, x in enumerate(inputs)]
        output = forward(*operands)
        cotangent = grid(self.rng, output.shape, -1, 1)
        (output * torch.tensor(cotangent)).sum().backward()
        self.cases.append({
            "op": op,
            "title": title,
            "attributes": attributes,
            "inputs": [tensor(x) for x in inputs],
            "output": tensor(output.detach().numpy()),
            "cotangent": tensor(cotangent),
            "gradients": [None if x.grad is None else tensor(x.grad.numpy()) for x in operands],
        })
        return operands
