"""Makes a tiny language model with random weights in a given folder. Nothing is downloaded.

It knows printable ASCII and line ends only, and chats in ChatML. What it says is noise in short words, but
for the grammar that the server holds it to. Runs in the server's own environment, which has torch and
transformers.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CONTEXT = 16_384
ROOT = Path(__file__).parents[2]
START, END, PAD = "<|im_start|>", "<|im_end|>", "<|pad|>"
CHATML = (
    "{% for message in messages %}"
    f"{START}{{{{ message['role'] }}}}\n{{{{ message['content'] }}}}{END}\n"
    "{% endfor %}"
    f"{{% if add_generation_prompt %}}{START}assistant\n{{% endif %}}"
)


def made_tokenizer() -> PreTrainedTokenizerFast:
    """Return tokens: single characters, and the beginnings of plain English words, with the blank before.

    The words are the prompts' and the licence's. No other token joins letters, so that words stay short.
    """
    # In the byte-level alphabet, printable ASCII stands for itself, a blank is Ġ and a line end Ċ.
    tokens = [START, END, PAD, *map(chr, range(0x21, 0x7F)), "Ġ", "Ċ"]
    english = [
        (ROOT / "LICENSE").read_text(),
        *(path.read_text() for path in sorted((ROOT / "prompts").rglob("*.md"))),
    ]
    words = sorted(set(re.findall(r"\b[A-Za-z][a-z]{1,10}\b", " ".join(english))))
    joined = dict.fromkeys((f"Ġ{word[:end]}", word[end]) for word in words for end in range(len(word)))
    vocabulary = {token: number for number, token in enumerate([*tokens, *map("".join, joined)])}
    tokenizer = Tokenizer(models.BPE(vocabulary, list(joined)))
    tokenizer.add_special_tokens([START, END, PAD])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=START,
        eos_token=END,
        pad_token=PAD,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
        chat_template=CHATML,
    )


def made_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Return random weights, the same each time."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config).to(torch.bfloat16)


if __name__ == "__main__":
    tokenizer = made_tokenizer()
    tokenizer.save_pretrained(sys.argv[1])
    made_model(tokenizer).save_pretrained(sys.argv[1])
