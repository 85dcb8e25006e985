"""Language models of a few thousand weights, made by the tests: real files, loaded by real libraries.

``random_llama`` has random weights. ``saying`` has weights written by hand: a table of which token follows which.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np

SPECIAL = ("<unk>", "<s>", "</s>")
WORDS = ("Ye", "Yes", "▁Yes", "ye", "yes", "▁yes", "No", "▁No", "no", "▁no", "YE", "YES", "NO", "▁Y", "▁N", "▁Ye")
VOCABULARY = (*SPECIAL, *(f"<0x{b:02X}>" for b in range(256)), "▁", *map(chr, range(33, 127)), *WORDS)
LAYERS, WIDTH, HEADS, INNER, CONTEXT = 2, 32, 4, 64, 2048
CHAT = (
    "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
)


def random_weights(seed: int) -> dict[str, np.ndarray]:
    """Weights of a small llama by their names in GGUF."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int, scale: float = 0.3) -> np.ndarray:
        return rng.normal(0, scale, shape).astype(np.float32)

    size = len(VOCABULARY)
    found = {"token_embd": draw(size, WIDTH, scale=1.0), "output_norm": 1 + draw(WIDTH, scale=0.1)}
    found["output"] = draw(size, WIDTH, scale=0.25)
    for n in range(LAYERS):
        found |= {f"blk.{n}.attn_{x}": draw(WIDTH, WIDTH) for x in ("q", "k", "v", "output")}
        found |= {f"blk.{n}.{x}_norm": 1 + draw(WIDTH, scale=0.1) for x in ("attn", "ffn")}
        found |= {f"blk.{n}.ffn_{x}": draw(INNER, WIDTH) for x in ("gate", "up")}
        found[f"blk.{n}.ffn_down"] = draw(WIDTH, INNER)
    return found


def random_gguf(path: Path, seed: int) -> Path:
    """Write a small llama with random weights as a GGUF file, with a tokeniser of characters and a few words."""
    return write_gguf(path, VOCABULARY, random_weights(seed), CHAT, layers=LAYERS, heads=HEADS)


def saying_gguf(path: Path, tokens: Sequence[str], licence: str = "") -> Path:
    """Write a GGUF file of a model whose reply to any conversation is ``tokens``, by a table of successors.

    A conversation that holds the word ``hopeless`` is refused by its chat template.
    """
    vocabulary = [*SPECIAL, "<assistant>", *(f"<0x{b:02X}>" for b in range(256)), "▁", *tokens]
    size = len(vocabulary)
    width = -(-size // 32) * 32
    successors = np.zeros((size, width), np.float32)
    for before, after in zip(["<assistant>", *tokens], [*tokens, "</s>"], strict=True):
        successors[vocabulary.index(after), vocabulary.index(before)] = 9.0
    weights = {"token_embd": np.eye(size, width, dtype=np.float32), "output_norm": np.ones(width, np.float32)}
    weights |= {"output": successors, "blk.0.ffn_down": np.zeros((width, INNER), np.float32)}
    weights |= {f"blk.0.attn_{x}": np.zeros((width, width), np.float32) for x in ("q", "k", "v", "output")}
    weights |= {f"blk.0.{x}_norm": np.ones(width, np.float32) for x in ("attn", "ffn")}
    weights |= {f"blk.0.ffn_{x}": np.zeros((INNER, width), np.float32) for x in ("gate", "up")}
    refusing = (
        "{% for m in messages %}{% if 'hopeless' in m['content'] %}{{ raise_exception('I take no such thing') }}"
        "{% endif %}{{ m['content'] }}{% endfor %}<assistant>"
    )
    return write_gguf(path, vocabulary, weights, refusing, layers=1, heads=1, licence=licence)


def write_gguf(
    path: Path,
    vocabulary: Sequence[str],
    weights: dict[str, np.ndarray],
    chat: str,
    *,
    layers: int,
    heads: int,
    licence: str = "",
) -> Path:
    """Write a llama with a tokeniser of pieces as a GGUF file."""
    width = weights["output_norm"].shape[0]
    writer: Any = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("small")
    if licence:
        writer.add_license(licence)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_rope_dimension_count(width // heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(vocabulary))
    writer.add_token_scores([score(token) for token in vocabulary])
    writer.add_token_types([kind(token) for token in vocabulary])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(True)
    writer.add_chat_template(chat)
    for name, tensor in weights.items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def score(token: str) -> float:
    """SentencePiece merges the pair with the highest score first: longer pieces here."""
    return float(len(token)) if token in WORDS else 0.0


def kind(token: str) -> int:
    if token == "<unk>":
        return int(gguf.TokenType.UNKNOWN)
    if token in (*SPECIAL, "<assistant>"):
        return int(gguf.TokenType.CONTROL)
    return int(gguf.TokenType.BYTE if token.startswith("<0x") else gguf.TokenType.NORMAL)


def saying(folder: Path, tokens: Sequence[str]) -> Path:
    """Write a model whose reply to any conversation is ``tokens``, by weights that are a table of successors.

    A conversation that holds the word ``hopeless`` is refused by its chat template.
    """
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = ["<unk>", "</s>", "<assistant>", *tokens]
    assert len(set(vocabulary)) == len(vocabulary), "each token has one successor"
    made = Tokenizer(models.WordLevel({t: i for i, t in enumerate(vocabulary)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer: Any = PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>", eos_token="</s>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<assistant>"]})
    tokenizer.chat_template = (
        "{% for m in messages %}{% if 'hopeless' in m['content'] %}{{ raise_exception('I take no such thing') }}"
        "{% endif %}{{ m['content'] }}{% endfor %} <assistant>"
    )
    size = len(vocabulary)
    config = LlamaConfig(
        vocab_size=size, hidden_size=64, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
        max_position_embeddings=64, eos_token_id=1, bos_token_id=1, pad_token_id=1, tie_word_embeddings=False,
    )  # fmt: skip
    model: Any = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.model.layers.parameters():
            parameter.zero_()  # a layer that adds nothing
        model.model.embed_tokens.weight.copy_(torch.eye(size, 64))
        model.lm_head.weight.zero_()
        for before, after in zip(vocabulary[2:], [*vocabulary[3:], "</s>"], strict=True):
            model.lm_head.weight[vocabulary.index(after), vocabulary.index(before)] = 9.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def random_model(folder: Path, kind: str, seed: int = 4) -> Path:
    """Write a small ``llama``, or a ``mistral`` with a sliding window, with random weights and a tokeniser of bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({token: n for n, token in enumerate(["</s>", *alphabet])}, []))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>").save_pretrained(folder)
    sizes: dict[str, Any] = {
        "vocab_size": len(alphabet) + 1, "hidden_size": WIDTH, "intermediate_size": INNER, "eos_token_id": 0,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": 2, "bos_token_id": 0,
        "max_position_embeddings": 512, "initializer_range": 0.4,
    }  # fmt: skip
    torch.manual_seed(seed)
    config = LlamaConfig(**sizes) if kind == "llama" else MistralConfig(**sizes, sliding_window=16)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


SERVE = """
import json, sys, time
import xllamacpp as x
p = x.CommonParams()
for name, value in json.loads(sys.argv[1]).items():
    setattr(p, name, value)
p.model.path = sys.argv[2]
server = x.Server(p)
print(server.listening_address, flush=True)
sys.stdin.read()
"""
SERVING = {"n_ctx": CONTEXT, "n_parallel": 1, "port": 0, "warmup": False, "n_gpu_layers": 0}


def serve_arguments(path: Path) -> list[str]:
    """The arguments for Python that start a server of a GGUF file; it says its address and ends with its stdin."""
    return ["-c", SERVE, json.dumps(SERVING), str(path)]
