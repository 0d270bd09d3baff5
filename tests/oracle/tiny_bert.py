"""Two tiny random sentence models and their vectors, by transformers.

    pip install transformers==5.23.0 torch==2.15.0 tokenizers==0.23.3
    python tiny_bert.py tiny

`bert`: BERT, mean of the tokens, length 1. `roberta`: XLM-RoBERTa in half precision under another
prefix, first token, length as it comes, a Unigram tokenizer and a prefix of texts.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

ROOT = pathlib.Path(sys.argv[1])
TEXTS = ["the queue is long", "obat kosong", "Dust, dust!", "", "the the the the the the the the the the the the", "unknown 😡 obat"]
SHAPE = dict(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)


def write(folder, name, value):
    path = ROOT / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def wordpiece():
    words = "[PAD] [UNK] [CLS] [SEP] the queue is long obat ##nya kosong dust d u s t ##u ##s ##t , ! . un ##known".split()
    tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    # What a tokenizer.json is saved with; the encoder must not keep to it.
    tokenizer.enable_padding(length=16)
    return tokenizer


def unigram():
    pieces = "<s> <pad> </s> <unk> ▁the ▁queue ▁is ▁long ▁obat ▁kosong ▁ q : u e r y ▁query D d st us t , !".split()
    tokenizer = Tokenizer(models.Unigram([(p, -float(i)) for i, p in enumerate(pieces)], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokenizer


def random(model):
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    # As exact as the precision it is saved in.
    return model.half().float().eval()


def states(model, tokenizer, text, limit):
    tokenizer.no_padding()
    tokenizer.enable_truncation(limit)
    ids = torch.tensor([tokenizer.encode(text).ids])
    with torch.inference_mode():
        return model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]


def save(folder, config, model, tokenizer, prefix, dtype):
    config = config.to_dict() | {"architectures": [type(model).__name__]}
    write(folder, "config.json", {k: v for k, v in config.items() if v is not None})
    tokenizer.save(str(ROOT / folder / "tokenizer.json"))
    tensors = {prefix + name: tensor.to(dtype).contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, ROOT / folder / "model.safetensors", metadata={"format": "pt"})


def modules(folder, pooling, *last):
    names = [("Transformer", ""), ("Pooling", "1_Pooling"), *last]
    write(folder, "modules.json", [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"} for i, (name, path) in enumerate(names)])
    write(folder, "1_Pooling/config.json", pooling)


def expected(folder, vectors):
    write(folder, "expected.json", {"texts": TEXTS, "vectors": [[round(x, 7) for x in v.tolist()] for v in vectors]})


def bert():
    torch.manual_seed(1)
    tokenizer = wordpiece()
    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=10, pad_token_id=0, **SHAPE)
    model = random(BertModel(config))
    save("bert", config, model, tokenizer, "", torch.float32)
    modules("bert", {"word_embedding_dimension": 8, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, ("Normalize", "2_Normalize"))
    means = [states(model, tokenizer, text, 10).mean(0) for text in TEXTS]
    expected("bert", [v / v.norm() for v in means])


def roberta():
    torch.manual_seed(2)
    tokenizer = unigram()
    config = XLMRobertaConfig(vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=20, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5, **SHAPE)
    model = random(XLMRobertaModel(config))
    save("roberta", config, model, tokenizer, "roberta.", torch.float16)
    modules("roberta", {"embedding_dimension": 8, "pooling_mode": "cls", "include_prompt": True})
    write("roberta", "sentence_bert_config.json", {"max_seq_length": 12})
    write("roberta", "config_sentence_transformers.json", {"prompts": {"query": "query: ", "document": ""}})
    expected("roberta", [states(model, tokenizer, "query: " + text, 12)[0] for text in TEXTS])


bert()
roberta()
