"""Writes test/fixtures/cases.json: what the reference library `tokenizers` makes of chosen texts.

python3 scripts/make-cases.py path/to/ModernBERT/tokenizer.json   (pip: tokenizers)
Each line of the result: text, pair or null, ids, offsets in code points, text decoded without special tokens.
"""
import json
import pathlib
import sys
from tokenizers import Tokenizer

TEXTS = [
    "", " ", "  ", "\n", "a", "Hello World!", "a  b", "a   b\n\n  c\t\td", "  leading and trailing  ",
    "The capital of France is [MASK].", "Paris[MASK]Lyon", "  [MASK]", "x \t\n[MASK] [MASK][MASK]y", "\u00a0[MASK]", "[mask] [MASK",
    "[CLS] x [SEP]", "[PAD][UNK]", "don't can't I'll we've I'M it's'd 'Tis o'clock 'll''s", "’s curly",
    "naïve café — “quotes” … ﬁligree", "Å vs Å, é", "A\u030a vs \u212b, e\u0301 ẹ\u0302 e\u0302\u0323", "q\u0307\u0323 q\u0323\u0307",
    "日本語のテキストです。", "中文分词，测试。", "العربية ١٢٣", "हिन्दी में लिखा क़", "ภาษาไทยที่ไม่มีช่องว่าง", "한국어 텍스트",
    "👩\u200d👩\u200d👧\u200d👦 family 🏳️\u200d🌈", "👍🏽 🇫🇷 1️⃣ \U0001F9D1\U0001F3FF\u200d\U0001F4BB",
    "def f(x):\n    return x ** 2  # comment\n", "if (a!=b) {\n\t\tc += 1;\n\t}\n\n\n", "\tfor i in range(10):\r\n\t    print(i)\r\n",
    "x" * 50, "ab" * 100, "a" * 333, " " * 30, " " * 24, " " * 25, " " * 49, "\t" * 7, "\n" * 9, " \n" * 5, "a" + " " * 60 + "b",
    "1234567890 3.14159 1e-10 1,000,000", "²³½ ⅷ ①", "foo_bar-baz.qux/quux?a=b&c=d#e", "https://example.org/path?query=%20#x",
    "|||IP_ADDRESS||| mail |||EMAIL_ADDRESS|||", "call |||PHONE_NUMBER|||now", "|||IP_ADDRESS", "||||IP_ADDRESS||||",
    "<|endoftext|>end<|padding|>", "<|endoftext|", "[unused0] [unused82] [unused83]", "[unused10][unused1]",
    "\u00a0nbsp\u2003em\u200bzw", "a\r\nb\rc", "\u0085\u2028\u2029\u3000x", "ＦＵＬＬ ｗｉｄｔｈ", "힣\u1100\u1161 Hangul \u1112\u1161\u11ab",
    "\u0344 \u212b \u2126", "\u0958\u0929\u0f73\u2adc", "Ǆ ǅ ǆ ß ẞ ı İ", "\u0301leading mark", "a\u0315\u0300\u05ae\u0300b", "a\u0305\u0301 \u09c7\u0301\u09be \u09c7\u09be",
    "\U0001D15E\U0001D1BB musical", "\U00011099\U000110BA \U00011131\U00011127", "null\u0000byte \u001f", "\ufeffBOM", "\ufffd \uffff \U0010ffff",
    "tokenization internationalization antidisestablishmentarianism", "SHOUTING Title camelCase snake_case kebab-case",
    "A sentence of English prose, with commas; and more. \"Quoted,\" she said.\n\nA new paragraph (in brackets) follows: it's 5 o'clock.",
]
PAIRS = [
    ("How do I bake bread?", "Mix flour, water & yeast."), ("", "only the second"), ("only the first", ""), ("", ""),
    ("x [MASK]", "[MASK] y é"), ("e\u0301", "日本"),
]

tokenizer = Tokenizer.from_file(sys.argv[1])
rows = []
for text, pair in [(text, None) for text in TEXTS] + PAIRS:
    e = tokenizer.encode(text, pair)
    rows.append([text, pair, e.ids, e.offsets, tokenizer.decode(e.ids)])
path = pathlib.Path(__file__).parent.parent / "test" / "fixtures" / "cases.json"
path.write_text("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")
print(path, len(rows), "cases")
