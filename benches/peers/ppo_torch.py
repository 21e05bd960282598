"""What PyTorch makes of the same network and the same work on the CPU.

One PPO iteration's update (epochs x minibatches over a fixed batch of frames) and policy inference
over the same frames in steps of `envs`. No environment, no recording: PyTorch gets those for free.
Every minibatch and every step is timed by itself, and the fastest repetition of each counts, as in
`gouda bench train`. Prints one JSON object.

usage: ppo_torch.py --kind small --world 9 --channels 16 --blocks 3 --hidden 64 --threads 2
       [--layout channels-last] [--compile] [--seconds 10]
"""

import argparse
import json
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--kind", choices=["small", "impala"], default="small")
for name, default in dict(
    world=9, channels=16, blocks=3, hidden=64, actions=4, frames=4096, epochs=3, minibatch=512,
    envs=64, threads=2,
).items():
    parser.add_argument("--" + name, type=int, default=default)
parser.add_argument("--layout", choices=["contiguous", "channels-last"], default="contiguous")
parser.add_argument("--compile", action="store_true")
parser.add_argument("--seconds", type=float, default=10.0)
args = parser.parse_args()
torch.set_num_threads(args.threads)
torch.manual_seed(0)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv0 = nn.Conv2d(3, args.channels, 3, 2, 1)
        self.convs = nn.ModuleList(
            nn.Conv2d(args.channels, args.channels, 3, 1, 1) for _ in range(args.blocks)
        )
        side = (args.world + 1) // 2
        self.dense = nn.Linear(side * side * args.channels, args.hidden)
        self.heads = nn.Linear(args.hidden, args.actions + 1)

    def forward(self, x):
        x = F.relu(self.conv0(x))
        for conv in self.convs:
            x = x + F.relu(conv(x))
        out = self.heads(F.relu(self.dense(x.flatten(1))))
        return out[:, :-1], out[:, -1]


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv0 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.conv1 = nn.Conv2d(channels, channels, 3, 1, 1)

    def forward(self, x):
        return x + self.conv1(F.relu(self.conv0(F.relu(x))))


class Impala(nn.Module):
    def __init__(self):
        super().__init__()
        layers, before, side = [], 3, args.world
        for channels in (16, 32, 32):
            layers += [
                nn.Conv2d(before, channels, 3, 1, 1),
                nn.MaxPool2d(3, 2, 1),
                Residual(channels),
                Residual(channels),
            ]
            before, side = channels, (side + 1) // 2
        self.trunk = nn.Sequential(*layers)
        self.dense = nn.Linear(side * side * 32, 256)
        self.heads = nn.Linear(256, args.actions + 1)

    def forward(self, x):
        out = self.heads(F.relu(self.dense(F.relu(self.trunk(x)).flatten(1))))
        return out[:, :-1], out[:, -1]


memory_format = torch.channels_last if args.layout == "channels-last" else torch.contiguous_format
net = (Small() if args.kind == "small" else Impala()).to(memory_format=memory_format)
run = torch.compile(net) if args.compile else net
optimizer = torch.optim.Adam(net.parameters(), 1e-3, eps=1e-5)
observations = (torch.rand(args.frames, 3, args.world, args.world) < 0.3).float()
observations = observations.contiguous(memory_format=memory_format)
actions = torch.randint(0, args.actions, (args.frames,))
advantages, returns = torch.randn(args.frames), torch.randn(args.frames) * 0.1
old_log_probs = torch.full((args.frames,), -1.386)
old_values = torch.zeros(args.frames)


def update(i):
    logits, values = run(observations[i])
    log_probs = logits.log_softmax(1)
    taken = log_probs.gather(1, actions[i, None])[:, 0]
    advantage = advantages[i]
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    ratio = (taken - old_log_probs[i]).exp()
    policy = -torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()
    clipped = old_values[i] + (values - old_values[i]).clamp(-0.2, 0.2)
    errors = torch.max((values - returns[i]).pow(2), (clipped - returns[i]).pow(2))
    entropy = -(log_probs.exp() * log_probs).sum(1).mean()
    loss = policy + 0.5 * 0.5 * errors.mean() - 0.01 * entropy
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 0.5)
    optimizer.step()


def updates():
    for _ in range(args.epochs):
        order = torch.randperm(args.frames)
        for start in range(0, args.frames, args.minibatch):
            yield lambda: update(order[start : start + args.minibatch])


def infer(start):
    with torch.no_grad():
        logits, _ = run(observations[start : start + args.envs])
        torch.multinomial(logits.softmax(1), 1)


def steps():
    for start in range(0, args.frames, args.envs):
        yield lambda: infer(start)


def repeat(slices, best):
    """Times every slice of one repetition and keeps the fastest of each."""
    for i, work in enumerate(slices()):
        start = time.perf_counter()
        work()
        seconds = time.perf_counter() - start
        if i == len(best):
            best.append(seconds)
        best[i] = min(best[i], seconds)


repeat(updates, []), repeat(steps, [])  # compilation and first allocations
best_update, best_infer, repetitions, begin = [], [], 0, time.perf_counter()
while repetitions < 3 or time.perf_counter() - begin < args.seconds:
    repeat(updates, best_update)
    repeat(steps, best_infer)
    repetitions += 1
seconds = sum(best_update), sum(best_infer)
print(
    json.dumps(
        dict(
            torch=torch.__version__,
            params=sum(p.numel() for p in net.parameters()),
            repetitions=repetitions,
            update_frames_per_s=args.frames / seconds[0],
            inference_frames_per_s=args.frames / seconds[1],
            combined_frames_per_s=args.frames / sum(seconds),
        )
    )
)
