"""What cases ask of networks, where the networks live: `visionlab.checks.handle.beside` calls these functions there.

Tensors go between processes as plain numbers, without the graph that gradients need. So whatever takes gradients
through a student's module runs beside it, and only results come back.
"""


def gradients(module, x, dout):
    """Send numbers forward through a module, and gradients back.

    Parameters
    ----------
    module : torch.nn.Module
    x : torch.Tensor
        Floats.
    dout : torch.Tensor
        Gradient with respect to the output, of its shape.

    Returns
    -------
    dict of str to torch.Tensor
        ``out``, ``dx``, and ``d`` with its name for each parameter: None where no gradient arrives.

    Examples
    --------
    >>> import torch
    >>> double = torch.nn.Linear(1, 1, bias=False)
    >>> _ = torch.nn.init.constant_(double.weight, 2.0)
    >>> gradients(double, torch.tensor([[3.0]]), torch.tensor([[1.0]]))
    {'out': tensor([[6.]]), 'dx': tensor([[2.]]), 'dweight': tensor([[3.]])}
    """
    x = x.detach().clone().requires_grad_()
    module.zero_grad()
    out = module(x)
    if out.requires_grad:  # not so if everything is cut off
        out.backward(dout)
    found = {f"d{name}": p.grad for name, p in module.named_parameters()}
    return copied({"out": out, "dx": x.grad} | found)


def state(module):
    """Copy all parameters and buffers of a module, by name."""
    return copied(module.state_dict())


def copied(tensors):
    """Copy a dict of tensors; None stays None."""
    return {name: None if tensor is None else tensor.detach().clone() for name, tensor in tensors.items()}
