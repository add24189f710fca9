"""Trains the bundled tiny Qwen3-MoE model on the synthetic corpus and writes it as GGUF (F32).

Needs python3-torch and python3-numpy (Debian) with OpenBLAS. The forward pass is
the Qwen3-MoE definition in plain float32 PyTorch: it is also the reference that
golden logits come from.

    python3 train.py --minutes 60 --out tiny-qwen3moe-f32.gguf
"""
import argparse
import collections
import json
import math
import pathlib
import random
import re
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import corpus
import gguf_writer as gw

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>",
            "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]
CONTROL = set(SPECIALS[:6])  # the rest are user-defined: shown in output, never split
CFG = dict(layers=4, hidden=256, heads=4, kv_heads=2, head_dim=128, experts=8, top_k=2, ffn=256,
           rope_theta=1e6, eps=1e-6, context=4096, vocab=2048)

# Qwen2's pre-tokenizer for the ASCII corpus (\p{L} -> A-Za-z, \p{N} -> 0-9)
SPLIT = re.compile(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\nA-Za-z0-9]?[A-Za-z]+|[0-9]| ?[^\sA-Za-z0-9]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL_SPLIT = re.compile("(" + "|".join(re.escape(s) for s in SPECIALS) + ")")


def byte_alphabet():
    """GPT-2's reversible byte -> printable character map."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, extra = {}, 0
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + extra)
            extra += 1
    return table


BYTES = byte_alphabet()


class Tokenizer:
    def __init__(self, merges):
        self.merges = merges
        self.tokens = [BYTES[b] for b in sorted(range(256), key=lambda b: BYTES[b])]
        seen = set(self.tokens)
        for a, b in merges:
            if a + b not in seen:
                self.tokens.append(a + b)
                seen.add(a + b)
        while len(self.tokens) < CFG["vocab"] - len(SPECIALS):
            self.tokens.append(f"[unused{len(self.tokens)}]")
        self.first_special = len(self.tokens)
        self.tokens += SPECIALS
        self.ids = {t: i for i, t in enumerate(self.tokens)}
        self.rank = {m: i for i, m in enumerate(merges)}
        self.cache = {}

    def word(self, w):
        if w in self.cache:
            return self.cache[w]
        parts = [BYTES[b] for b in w.encode()]
        while len(parts) > 1:
            best = min(range(len(parts) - 1), key=lambda i: self.rank.get((parts[i], parts[i + 1]), 1 << 30))
            if (parts[best], parts[best + 1]) not in self.rank:
                break
            parts[best:best + 2] = [parts[best] + parts[best + 1]]
        ids = self.cache[w] = [self.ids[p] for p in parts]
        return ids

    def encode(self, text):
        out = []
        for piece in SPECIAL_SPLIT.split(text):
            if piece in self.ids and piece in SPECIALS:
                out.append(self.ids[piece])
            elif piece:
                for w in SPLIT.findall(piece):
                    out += self.word(w)
        return out

    def decode(self, ids):
        inverse = {c: b for b, c in BYTES.items()}
        raw = b""
        for i in ids:
            t = self.tokens[i]
            raw += t.encode() if i >= self.first_special else bytes(inverse[c] for c in t)
        return raw.decode("utf-8", "replace")


def train_bpe(texts, merges_wanted):
    counts = collections.Counter()
    for t in texts:
        for piece in SPECIAL_SPLIT.split(t):
            if piece not in SPECIALS:
                counts.update(SPLIT.findall(piece))
    words = [([BYTES[b] for b in w.encode()], n) for w, n in counts.items()]
    merges = []
    while len(merges) < merges_wanted:
        pairs = collections.Counter()
        for parts, n in words:
            for a, b in zip(parts, parts[1:]):
                pairs[a, b] += n
        if not pairs:
            break
        (a, b), n = max(pairs.items(), key=lambda kv: (kv[1], kv[0]))
        if n < 3:
            break
        merges.append((a, b))
        for parts, _ in words:
            i = 0
            while i < len(parts) - 1:
                if parts[i] == a and parts[i + 1] == b:
                    parts[i:i + 2] = [a + b]
                i += 1
    return merges


class RMSNorm(torch.nn.Module):
    def __init__(self, n):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(n))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + CFG["eps"]) * self.weight


def rope(x, theta):
    """x: [batch, heads, time, head_dim]; pairs (i, i + head_dim/2), as Qwen rotates them."""
    t, d = x.shape[-2], x.shape[-1]
    inv = theta ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    ang = (torch.arange(t, dtype=torch.float64)[:, None] * inv[None]).float()
    cos, sin = ang.cos(), ang.sin()
    a, b = x[..., :d // 2], x[..., d // 2:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Layer(torch.nn.Module):
    def __init__(self, c):
        super().__init__()
        h, q, kv = c["hidden"], c["heads"] * c["head_dim"], c["kv_heads"] * c["head_dim"]

        def w(*shape):
            return torch.nn.Parameter(torch.randn(*shape) * (0.7 / math.sqrt(shape[-1])))
        self.attn_norm, self.ffn_norm = RMSNorm(h), RMSNorm(h)
        self.q_norm, self.k_norm = RMSNorm(c["head_dim"]), RMSNorm(c["head_dim"])
        self.q, self.k, self.v, self.o = w(q, h), w(kv, h), w(kv, h), w(h, q)
        self.router = w(c["experts"], h)
        self.gate, self.up, self.down = (w(c["experts"], c["ffn"], h), w(c["experts"], c["ffn"], h), w(c["experts"], h, c["ffn"]))

    def attention(self, x, c, mask):
        b, t, _ = x.shape
        d, nh, nkv = c["head_dim"], c["heads"], c["kv_heads"]
        q = self.q_norm((x @ self.q.T).view(b, t, nh, d)).transpose(1, 2)
        k = self.k_norm((x @ self.k.T).view(b, t, nkv, d)).transpose(1, 2)
        v = (x @ self.v.T).view(b, t, nkv, d).transpose(1, 2)
        q, k = rope(q, c["rope_theta"]), rope(k, c["rope_theta"])
        k, v = (z.repeat_interleave(nh // nkv, 1) for z in (k, v))
        p = (q @ k.transpose(-1, -2) / math.sqrt(d) + mask).softmax(-1)
        return (p @ v).transpose(1, 2).reshape(b, t, nh * d) @ self.o.T

    def moe(self, x, c):
        """Top-k of the full softmax, renormalised over the chosen experts."""
        b, t, h = x.shape
        x = x.reshape(-1, h)
        prob = (x @ self.router.T).softmax(-1)
        top, idx = prob.topk(c["top_k"], -1)
        top = top / top.sum(-1, keepdim=True)
        y = torch.zeros_like(x)
        for e in range(c["experts"]):
            tok, slot = (idx == e).nonzero(as_tuple=True)
            if len(tok):
                xe = x[tok]
                he = F.silu(xe @ self.gate[e].T) * (xe @ self.up[e].T)
                y = y.index_add(0, tok, (he @ self.down[e].T) * top[tok, slot, None])
        load = F.one_hot(idx, c["experts"]).float().sum(1).mean(0) / c["top_k"]
        self.balance = c["experts"] * (load * prob.mean(0)).sum()
        return y.view(b, t, h)


class Model(torch.nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embed = torch.nn.Parameter(torch.randn(c["vocab"], c["hidden"]) * 0.3)
        self.layers = torch.nn.ModuleList([Layer(c) for _ in range(c["layers"])])
        self.norm = RMSNorm(c["hidden"])
        self.out = torch.nn.Parameter(torch.randn(c["vocab"], c["hidden"]) * 0.02)

    def forward(self, ids):
        x = self.embed[ids]
        t = ids.shape[1]
        mask = torch.full((t, t), -1e30).triu(1)
        for l in self.layers:
            x = x + l.attention(l.attn_norm(x), self.c, mask)
            x = x + l.moe(l.ffn_norm(x), self.c)
        return self.norm(x) @ self.out.T


CHAT_TEMPLATE = pathlib.Path(__file__).with_name("chat_template.jinja")


def export(model, tok, path, name="Tiny Qwen3-MoE", f="F32"):
    c, w = model.c, gw.Writer(path)
    a = "qwen3moe"
    w.add("general.architecture", gw.STR, a)
    w.add("general.name", gw.STR, name)
    w.add("general.license", gw.STR, "cc0-1.0")
    w.add("general.file_type", gw.U32, 0)
    w.add("general.quantization_version", gw.U32, 2)
    for k, v in [("block_count", c["layers"]), ("context_length", c["context"]), ("embedding_length", c["hidden"]),
                 ("feed_forward_length", c["ffn"]), ("attention.head_count", c["heads"]), ("attention.head_count_kv", c["kv_heads"]),
                 ("attention.key_length", c["head_dim"]), ("attention.value_length", c["head_dim"]), ("expert_count", c["experts"]),
                 ("expert_used_count", c["top_k"]), ("expert_feed_forward_length", c["ffn"]), ("vocab_size", c["vocab"])]:
        w.add(f"{a}.{k}", gw.U32, v)
    w.add(f"{a}.rope.freq_base", gw.F32, c["rope_theta"])
    w.add(f"{a}.attention.layer_norm_rms_epsilon", gw.F32, c["eps"])
    w.add("tokenizer.ggml.model", gw.STR, "gpt2")
    w.add("tokenizer.ggml.pre", gw.STR, "qwen2")
    w.add_array("tokenizer.ggml.tokens", gw.STR, tok.tokens)
    kind = [1 if not t.startswith("[unused") else 5 for t in tok.tokens]
    for s in SPECIALS:
        kind[tok.ids[s]] = 3 if s in CONTROL else 4
    w.add_array("tokenizer.ggml.token_type", gw.I32, kind)
    w.add_array("tokenizer.ggml.merges", gw.STR, [f"{x} {y}" for x, y in tok.merges])
    w.add("tokenizer.ggml.eos_token_id", gw.U32, tok.ids["<|im_end|>"])
    w.add("tokenizer.ggml.padding_token_id", gw.U32, tok.ids["<|endoftext|>"])
    w.add("tokenizer.ggml.bos_token_id", gw.U32, tok.ids["<|endoftext|>"])
    w.add("tokenizer.ggml.add_bos_token", gw.BOOL, False)
    w.add("tokenizer.chat_template", gw.STR, CHAT_TEMPLATE.read_text())

    def put(n, p, kind=f):
        arr = p.detach().numpy().astype(np.float32)
        w.tensor(n, arr.shape, kind, lambda: [arr.tobytes()])
    put("token_embd.weight", model.embed)
    for i, l in enumerate(model.layers):
        b = f"blk.{i}."
        for n, p in [("attn_norm", l.attn_norm.weight), ("attn_q", l.q), ("attn_k", l.k), ("attn_v", l.v), ("attn_output", l.o),
                     ("attn_q_norm", l.q_norm.weight), ("attn_k_norm", l.k_norm.weight), ("ffn_norm", l.ffn_norm.weight),
                     ("ffn_gate_inp", l.router), ("ffn_gate_exps", l.gate), ("ffn_up_exps", l.up), ("ffn_down_exps", l.down)]:
            put(b + n + ".weight", p)
    put("output_norm.weight", model.norm.weight)
    put("output.weight", model.out)
    w.write()


def generate(model, tok, prompt, n=72):
    ids = tok.encode(prompt)
    start = len(ids)
    with torch.no_grad():
        for _ in range(n):
            nxt = int(model(torch.tensor([ids]))[0, -1].argmax())
            if tok.tokens[nxt] in ("<|im_end|>", "<|endoftext|>"):
                break
            ids.append(nxt)
    return tok.decode(ids[start:])


def evaluate(model, tok, seed, n, kinds=None):
    """Exact-match rate of greedy answers to the last user turn of fresh documents."""
    r, hit, shown, per = random.Random(seed), 0, [], collections.defaultdict(lambda: [0, 0])
    for _ in range(n):
        tool = r.random() < .5
        doc = corpus.tool_document(r) if tool else corpus.chat_document(r)
        cut = doc.rindex("<|im_start|>assistant\n") + len("<|im_start|>assistant\n")
        want = doc[cut:].removesuffix("<|im_end|>\n")
        got = generate(model, tok, doc[:cut])
        ok = got == want
        hit += ok
        key = "tool_call" if want.startswith("<tool_call>") else ("tool_doc" if tool else "chat")
        per[key][0] += ok
        per[key][1] += 1
        if not ok and len(shown) < 4:
            shown.append((want, got))
    return hit / n, dict(per), shown


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--minutes", type=float, default=60)
    ap.add_argument("--batch", type=int, default=16)
    ap.add_argument("--seq", type=int, default=512)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--seed", type=int, default=7)
    ap.add_argument("--resume", help="continue from this checkpoint (its merges.json beside it), with fresh documents")
    ap.add_argument("--tool-share", type=float, default=.45, help="share of tool conversations in the corpus")
    ap.add_argument("--out", default="tiny-qwen3moe-f32.gguf")
    ap.add_argument("--tokens-per-second", type=float, default=3000, help="estimate for the schedule's first minute")
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(2)
    r = random.Random(args.seed)
    sample = [corpus.document(r) for _ in range(4000)]
    if args.resume:
        merges = [tuple(m) for m in json.load(open(args.resume.removesuffix(".pt") + ".merges.json"))]
        r = random.Random(args.seed + 1)
    else:
        merges = train_bpe(sample, CFG["vocab"] - 256 - len(SPECIALS))
    tok = Tokenizer(merges)
    print("merges", len(tok.merges), "tokens per document", np.mean([len(tok.encode(d)) for d in sample[:300]]), flush=True)
    json.dump(tok.merges, open(args.out + ".merges.json", "w"))
    model = Model(CFG)
    if args.resume:
        model.load_state_dict(torch.load(args.resume))
    print("parameters", sum(p.numel() for p in model.parameters()), flush=True)
    decay = [p for p in model.parameters() if p.dim() > 1]
    flat = [p for p in model.parameters() if p.dim() == 1]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": .05}, {"params": flat, "weight_decay": 0}], lr=args.lr, betas=(.9, .95))
    end_of_text, assistant = tok.ids["<|endoftext|>"], tok.encode("<|im_start|>assistant\n")
    stop = tok.ids["<|im_end|>"]

    def sequences():
        buf, wt = [], []
        while True:
            while len(buf) <= args.seq:
                ids = tok.encode(corpus.document(r, args.tool_share)) + [end_of_text]
                w, inside = [], False
                chat = ids[0] == tok.ids["<|im_start|>"]
                for i, t in enumerate(ids):
                    w.append(1.0 if inside or not chat else .1)
                    if inside and t == stop:
                        inside = False
                    elif ids[max(0, i - len(assistant) + 1):i + 1] == assistant:
                        inside = True
                buf += ids
                wt += w
            yield buf[:args.seq + 1], wt[:args.seq + 1]
            buf, wt = [], []  # the next sequence starts with a whole document
    feed = sequences()
    start, step, last = time.time(), 0, time.time()
    while True:
        frac = (time.time() - start) / (args.minutes * 60)
        if frac >= 1:
            break
        lr = args.lr * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * frac)))
        for g in opt.param_groups:
            g["lr"] = lr
        pairs = [next(feed) for _ in range(args.batch)]
        ids = torch.tensor([p[0] for p in pairs])
        wt = torch.tensor([p[1] for p in pairs])[:, 1:]
        logits = model(ids[:, :-1])
        nll = F.cross_entropy(logits.reshape(-1, CFG["vocab"]), ids[:, 1:].reshape(-1), reduction="none").view_as(wt)
        loss = (nll * wt).sum() / wt.sum()
        balance = sum(l.balance for l in model.layers) / len(model.layers)
        opt.zero_grad()
        (loss + .01 * balance).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        step += 1
        if step % 20 == 0:
            heavy = (nll * (wt > .5)).sum() / (wt > .5).sum()
            print(f"step {step} {frac:.3f} loss {loss.item():.4f} answer-loss {heavy.item():.4f} balance {balance.item():.3f} "
                  f"{20 * args.batch * args.seq / (time.time() - last):.0f} tok/s", flush=True)
            last = time.time()
        if step % 200 == 0:
            torch.save(model.state_dict(), args.out + ".pt")
            for p in ("What is 2+2?", "What is the capital of France?", "Write add in Python."):
                print("  >", p, "->", repr(generate(model, tok, f"<|im_start|>user\n{p}<|im_end|>\n<|im_start|>assistant\n", 40)), flush=True)
    torch.save(model.state_dict(), args.out + ".pt")
    export(model, tok, args.out)
    rate, per, shown = evaluate(model, tok, 991, 40)
    print("exact answers on fresh documents:", rate, per)
    for want, got in shown:
        print("want", repr(want), "\n got", repr(got))


if __name__ == "__main__":
    main()
