"""Makes a tiny language model with random weights in a given folder. Nothing is downloaded.

It knows printable ASCII and line ends only, and chats in ChatML. What it says is noise, but for the grammar
that the server holds it to. Runs in the server's own environment, which has torch and transformers.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CONTEXT = 16_384
VOCABULARY = 2048
ROOT = Path(__file__).parents[2]
START, END, PAD = "<|im_start|>", "<|im_end|>", "<|pad|>"
CHATML = (
    "{% for message in messages %}"
    f"{START}{{{{ message['role'] }}}}\n{{{{ message['content'] }}}}{END}\n"
    "{% endfor %}"
    f"{{% if add_generation_prompt %}}{START}assistant\n{{% endif %}}"
)


def made_tokenizer() -> PreTrainedTokenizerFast:
    """Return byte pairs learnt from plain English: the licence."""
    # In the byte-level alphabet, printable ASCII stands for itself, a blank is Ġ and a line end Ċ.
    letters = [chr(code) for code in range(0x21, 0x7F)] + ["Ġ", "Ċ"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[START, END, PAD],
        initial_alphabet=letters,
        limit_alphabet=len(letters),
        show_progress=False,
    )
    tokenizer.train([str(ROOT / "LICENSE")], trainer)
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
