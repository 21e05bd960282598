"""What PyTorch computes for the operations of src/nn/ and src/ppo/, as JSON beside this script.

Run: python data/goldens/nn/make.py        (torch 2.15.0, numpy 2.4.6; only needed to regenerate)

Read by tests/nn_goldens.rs. Everything is float64 and written with 17 digits. PyTorch keeps
channels first, convolution weights (out, in, row, column) and dense weights (out, in); the files
keep this crate's layouts: channels last, (row, column, in, out), (in, out), and the dense layer
after the convolutions reads (row, column, channel). The networks' parameters are not stored: both
sides draw them from one linear congruential generator, `parameters` below.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HERE = Path(__file__).parent
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
torch.manual_seed(1)


def images(x):
    """(n, channels, height, width) -> (n, height, width, channels)"""
    return x.permute(0, 2, 3, 1)


def kernel(w):
    """(out, in, row, column) -> (row, column, in, out)"""
    return w.permute(2, 3, 1, 0)


def entry(x):
    """Shape and values, in row-major order."""
    x = x.detach().contiguous()
    return {"shape": list(x.shape), "values": x.reshape(-1).tolist()}


def write(name, value):
    path = HERE / name
    path.write_text(json.dumps(value, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


# Operations ------------------------------------------------------------------------------------


def conv(stride, height, width):
    x = torch.randn(2, 3, height, width, requires_grad=True)
    w = torch.randn(5, 3, 3, 3, requires_grad=True)
    b = torch.randn(5, requires_grad=True)
    y = F.conv2d(x, w, b, stride=stride, padding=1)
    d_y = torch.randn_like(y)
    y.backward(d_y)
    return {
        "x": entry(images(x)), "weight": entry(kernel(w)), "bias": entry(b),
        "y": entry(images(y)), "d_y": entry(images(d_y)),
        "d_x": entry(images(x.grad)), "d_weight": entry(kernel(w.grad)), "d_bias": entry(b.grad),
    }


def pool(height, width):
    # Few different values, all negative: ties everywhere, and padding with zeros would show.
    x = (torch.randint(-4, 0, (2, 3, height, width)).to(torch.float64)).requires_grad_()
    y = F.max_pool2d(x, 3, stride=2, padding=1)
    d_y = torch.randn_like(y)
    y.backward(d_y)
    return {"x": entry(images(x)), "y": entry(images(y)), "d_y": entry(images(d_y)), "d_x": entry(images(x.grad))}


def relu():
    x = torch.tensor([-1.5, 0.0, 2.0, -0.0, 0.25, 3.0, -1e-9], requires_grad=True)
    y = F.relu(x)
    d_y = torch.randn_like(y)
    y.backward(d_y)
    return {"x": entry(x), "y": entry(y), "d_y": entry(d_y), "d_x": entry(x.grad)}


def residual():
    x = torch.randn(6, requires_grad=True)
    y = x + F.relu(x)
    d_y = torch.randn_like(y)
    y.backward(d_y)
    return {"x": entry(x), "y": entry(y), "d_y": entry(d_y), "d_x": entry(x.grad)}


def dense():
    x = torch.randn(3, 7, requires_grad=True)
    w = torch.randn(5, 7, requires_grad=True)
    b = torch.randn(5, requires_grad=True)
    y = F.linear(x, w, b)
    d_y = torch.randn_like(y)
    y.backward(d_y)
    return {
        "x": entry(x), "weight": entry(w.T), "bias": entry(b), "y": entry(y), "d_y": entry(d_y),
        "d_x": entry(x.grad), "d_weight": entry(w.grad.T), "d_bias": entry(b.grad),
    }


def softmax():
    logits = (3 * torch.randn(4, 5)).requires_grad_()
    distribution = torch.distributions.Categorical(logits=logits)
    log_probs, entropy = distribution.logits, distribution.entropy()
    d_log_probs, d_entropy = torch.randn_like(log_probs), torch.randn_like(entropy)
    ((log_probs * d_log_probs).sum() + (entropy * d_entropy).sum()).backward()
    return {
        "logits": entry(logits), "log_probs": entry(log_probs), "entropy": entry(entropy),
        "d_log_probs": entry(d_log_probs), "d_entropy": entry(d_entropy), "d_logits": entry(logits.grad),
    }


write("operations.json", {
    "conv_stride_1": conv(1, 4, 5), "conv_stride_2_odd": conv(2, 5, 3), "conv_stride_2_even": conv(2, 4, 2),
    "pool_odd": pool(5, 7), "pool_even": pool(4, 6),
    "relu": relu(), "residual": residual(), "dense": dense(), "softmax": softmax(),
})


# The PPO loss ----------------------------------------------------------------------------------

COEFFICIENTS = {"clip": 0.2, "value": 0.5, "entropy": 0.01}


def ppo_loss(logits, values, batch, clip_value):
    """The loss of CleanRL's ppo.py, and its parts as means."""
    distribution = torch.distributions.Categorical(logits=logits)
    log_ratio = distribution.log_prob(batch["action"]) - batch["old_log_prob"]
    ratio = log_ratio.exp()
    clip = COEFFICIENTS["clip"]
    advantage = batch["advantage"]
    policy = torch.max(-advantage * ratio, -advantage * torch.clamp(ratio, 1 - clip, 1 + clip)).mean()
    target, old = batch["target"], batch["old_value"]
    value = (values - target) ** 2
    if clip_value:
        clipped = old + torch.clamp(values - old, -clip, clip)
        value = torch.max(value, (clipped - target) ** 2)
    value = 0.5 * value.mean()
    entropy = distribution.entropy().mean()
    loss = policy + COEFFICIENTS["value"] * value - COEFFICIENTS["entropy"] * entropy
    parts = {
        "policy": policy.item(), "value": value.item(), "entropy": entropy.item(),
        "divergence": ((ratio - 1) - log_ratio).mean().item(),
        "clipped": ((ratio - 1).abs() > clip).to(torch.float64).mean().item(),
    }
    return loss, parts


def normalised(advantages):
    return (advantages - advantages.mean()) / (advantages.std() + 1e-8)


def ppo(clip_value):
    n, actions = 24, 4
    logits = torch.randn(n, actions, requires_grad=True)
    values = torch.randn(n, requires_grad=True)
    action = torch.randint(0, actions, (n,))
    now = torch.log_softmax(logits.detach(), 1)[torch.arange(n), action]
    batch = {
        "action": action,
        "old_log_prob": now + 0.3 * torch.randn(n),
        "old_value": values.detach() + 0.3 * torch.randn(n),
        "advantage": normalised(2 + 3 * torch.randn(n)),
        "target": values.detach() + torch.randn(n),
    }
    loss, parts = ppo_loss(logits, values, batch, clip_value)
    loss.backward()
    result = {name: entry(x.to(torch.float64)) for name, x in batch.items()}
    result |= {
        "clip_value": clip_value, "parts": parts, "logits": entry(logits), "values": entry(values),
        "d_logits": entry(logits.grad), "d_values": entry(values.grad),
    }
    return result


def gae():
    """The loop of CleanRL's ppo.py, where `dones[t]` says that step t ended its episode."""
    steps, gamma, lam = 12, 0.97, 0.9
    rewards = torch.randn(steps)
    values = torch.randn(steps)
    dones = torch.tensor([0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0], dtype=torch.bool)
    cases = []
    for last_done in [False, True]:
        dones[-1] = last_done
        last_value = torch.randn(())
        advantages, last = torch.zeros(steps), 0.0
        for t in reversed(range(steps)):
            goes_on = 1.0 - dones[t].to(torch.float64)
            next_value = last_value if t == steps - 1 else values[t + 1]
            delta = rewards[t] + gamma * next_value * goes_on - values[t]
            advantages[t] = last = delta + gamma * lam * goes_on * last
        cases.append({
            "gamma": gamma, "lambda": lam, "rewards": entry(rewards), "values": entry(values),
            "dones": dones.tolist(), "last_value": last_value.item(), "advantages": entry(advantages),
        })
    return cases


write("ppo.json", {"coefficients": COEFFICIENTS, "loss": [ppo(False), ppo(True)], "gae": gae()})


# Optimisers ------------------------------------------------------------------------------------


def optimiser(make, rates, largest_norm):
    """Several steps from gradients of very different lengths, clipped as in CleanRL's ppo.py."""
    params = torch.randn(12, requires_grad=True)
    rule = make([params], rates[0])
    result = {"start": entry(params), "largest_norm": largest_norm, "rates": rates, "steps": []}
    for step, rate in enumerate(rates):
        gradient = torch.randn(12) * 10.0 ** (step % 4 - 2)
        gradient[3] = 0.0
        params.grad = gradient.clone()
        norm = torch.nn.utils.clip_grad_norm_([params], largest_norm)
        rule.param_groups[0]["lr"] = rate
        rule.step()
        result["steps"].append({"gradient": entry(gradient), "norm": norm.item(), "params": entry(params)})
    return result


RATES = [1e-2, 1e-2, 8e-3, 6e-3, 4e-3, 2e-3, 1e-3]
write("optimisers.json", {
    "adam": optimiser(lambda p, lr: torch.optim.Adam(p, lr=lr, eps=1e-5), RATES, 0.5),
    "sgd": optimiser(lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9), RATES, 0.5),
})


# Networks --------------------------------------------------------------------------------------


def parameters(layout):
    """The k-th draw of x <- 1664525 x + 1013904223 (mod 2^32) from x = 1 gives
    (2 x / 2^32 - 1) bound, as float32, with bound = sqrt(6 / fan_in) for weights, .1 for biases."""
    state, result = 1, {}
    for name, shape in layout:
        bound = np.sqrt(6.0 / np.prod(shape[:-1])) if len(shape) > 1 else 0.1
        values = np.empty(np.prod(shape))
        for i in range(len(values)):
            state = (1664525 * state + 1013904223) % 2**32
            values[i] = (2.0 * state / 2**32 - 1.0) * bound
        values = values.astype(np.float32).astype(np.float64).reshape(shape)
        result[name] = torch.tensor(values, requires_grad=True)
    return result


def conv_layer(p, name, x, stride=1):
    return F.conv2d(x, p[f"{name}.weight"].permute(3, 2, 0, 1), p[f"{name}.bias"], stride=stride, padding=1)


def dense_layer(p, name, x):
    return F.linear(x, p[f"{name}.weight"].T, p[f"{name}.bias"])


def small(p, x, blocks):
    x = F.relu(conv_layer(p, "conv0", x, stride=2))
    for block in range(1, blocks + 1):
        x = x + F.relu(conv_layer(p, f"conv{block}", x))
    return x


def impala(p, x):
    for block in range(3):
        x = F.max_pool2d(conv_layer(p, f"block{block}.conv", x), 3, stride=2, padding=1)
        for residual in range(2):
            z = conv_layer(p, f"block{block}.res{residual}.conv0", F.relu(x))
            x = x + conv_layer(p, f"block{block}.res{residual}.conv1", F.relu(z))
    return F.relu(x)


def layers(*named):
    for name, weight in named:
        yield f"{name}.weight", weight
        yield f"{name}.bias", weight[-1:]


def small_layout(world, channels, blocks, hidden, actions):
    side = (world + 1) // 2
    convs = [(f"conv{b}", (3, 3, channels, channels)) for b in range(1, blocks + 1)]
    return list(layers(
        ("conv0", (3, 3, 3, channels)), *convs, ("dense", (side * side * channels, hidden)),
        ("policy", (hidden, actions)), ("value", (hidden, 1)),
    ))


def impala_layout(world, actions):
    side, channels, convs = world, 3, []
    for block, out in enumerate([16, 32, 32]):
        convs.append((f"block{block}.conv", (3, 3, channels, out)))
        convs += [(f"block{block}.res{r}.conv{h}", (3, 3, out, out)) for r in range(2) for h in range(2)]
        side, channels = (side + 1) // 2, out
    return list(layers(
        *convs, ("dense", (side * side * channels, 256)), ("policy", (256, actions)), ("value", (256, 1)),
    ))


def network(shape, layout, trunk, first_len):
    """Forward, and the gradient of the PPO loss with advantages normalised over the minibatch.
    Every tensor's gradient: its first entries, its sum and its sum of squares."""
    n, world, actions = 40, shape["world"], shape["action_len"]
    p = parameters(layout)
    observations = (torch.rand(n, world, world, 3) < 0.4).to(torch.float64)
    hidden = images(trunk(p, observations.permute(0, 3, 1, 2))).flatten(1)
    hidden = F.relu(dense_layer(p, "dense", hidden))
    logits, values = dense_layer(p, "policy", hidden), dense_layer(p, "value", hidden)[:, 0]
    action = torch.randint(0, actions, (n,))
    now = torch.log_softmax(logits.detach(), 1)[torch.arange(n), action]
    # What the frames of a rollout hold is float32.
    f32 = lambda x: x.to(torch.float32).to(torch.float64)
    raw = f32(0.5 + 2 * torch.randn(n))
    batch = {
        "action": action, "old_log_prob": f32(now + 0.3 * torch.randn(n)),
        "old_value": f32(values.detach() + 0.3 * torch.randn(n)),
    }
    batch |= {"advantage": normalised(raw), "target": raw + batch["old_value"]}
    loss, parts = ppo_loss(logits, values, batch, True)
    loss.backward()
    bits = "".join(str(int(b)) for b in observations.reshape(-1).tolist())
    gradients = [
        {
            "name": name, "shape": list(t.shape), "first": t.grad.reshape(-1)[:first_len].tolist(),
            "sum": t.grad.sum().item(), "squares": (t.grad**2).sum().item(),
        }
        for name, t in p.items()
    ]
    return shape | {
        "observations": bits, "raw_advantage": entry(raw), "parts": parts,
        "logits": entry(logits), "values": entry(values), "gradients": gradients,
    } | {name: entry(x.to(torch.float64)) for name, x in batch.items()}


write("networks.json", [
    network(
        {"kind": "small", "world": 7, "channels": 6, "blocks": 2, "hidden": 10, "action_len": 4},
        small_layout(7, 6, 2, 10, 4), lambda p, x: small(p, x, 2), 10_000,
    ),
    network(
        {"kind": "impala", "world": 5, "channels": 1, "blocks": 0, "hidden": 1, "action_len": 15},
        impala_layout(5, 15), impala, 64,
    ),
])
