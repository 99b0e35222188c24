"""Writes src/text/unicode-data.ts: the Unicode tables that the reference library `tokenizers` really uses.

Its regex engine and its normaliser carry their own (different, older) Unicode versions, and the JavaScript engine yet
another, so the tables are measured from the library's behaviour over all code points instead of being taken from any
one standard version. Needed only when the reference moves: python3 scripts/make-unicode-data.py (pip: tokenizers).
"""
import pathlib
import tokenizers
import unicodedata
from tokenizers import Regex, normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def matching(pattern: str) -> set[int]:
    """Code points that the library's regex engine puts in a class."""
    split, found = pre_tokenizers.Split(Regex(f"(?:{pattern})+"), "removed"), set()
    for start in range(0, len(CODE_POINTS), 1 << 16):
        chunk = CODE_POINTS[start : start + (1 << 16)]
        kept = set()
        for _, (a, b) in split.pre_tokenize_str("".join(map(chr, chunk))):
            kept.update(range(a, b))
        found.update(c for i, c in enumerate(chunk) if i not in kept)
    return found


def base36(n: int) -> str:
    text = ""
    while True:
        n, digit = divmod(n, 36)
        text = DIGITS[digit] + text
        if n == 0:
            return text


def ranges(points, value=lambda c: 0):
    """Runs of neighbouring code points with one value: (start, length, value)."""
    runs = []
    for c in sorted(points):
        if runs and runs[-1][0] + runs[-1][1] == c and runs[-1][2] == value(c):
            runs[-1][1] += 1
        else:
            runs.append([c, 1, value(c)])
    return runs


def packed(runs, with_value=False) -> str:
    """Gap to the end of the run before, length, and value if asked, in base 36."""
    words, end = [], 0
    for start, length, value in runs:
        words += [base36(start - end), base36(length)] + ([base36(value)] if with_value else [])
        end = start + length
    return " ".join(words)


nfc, nfd = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
decomposed = {c: nfd(chr(c)) for c in CODE_POINTS if nfd(chr(c)) != chr(c)}
# A mark of class 0 < ccc < 240 moves before U+0345, the only character of class 240.
marks = {c for c in CODE_POINTS if c not in decomposed and nfd("\u0345" + chr(c)) != "\u0345" + chr(c)} | {0x345}
seconds = {ord(d[-1]) for c, d in decomposed.items() if len(d) > 1 and nfc(d) == chr(c)}
unstable = {c for c in CODE_POINTS if nfc(chr(c)) != chr(c)}

compatible = {c for c in CODE_POINTS if normalizers.NFKD().normalize_str(chr(c)) != chr(c)}
words = pre_tokenizers.Whitespace().pre_tokenize_str
punctuation = pre_tokenizers.Punctuation().pre_tokenize_str
digits = pre_tokenizers.Digits().pre_tokenize_str
clean = normalizers.BertNormalizer(True, False, False, False).normalize_str
accents = normalizers.BertNormalizer(False, False, True, False).normalize_str
combining = normalizers.StripAccents().normalize_str


def every(test) -> str:
    return packed(ranges({c for c in CODE_POINTS if test(chr(c))}))


tables = {
    "LETTERS": ("\\p{L} of its regex engine", packed(ranges(matching(r"\p{L}")))),
    "NUMBERS": ("\\p{N} of its regex engine", packed(ranges(matching(r"\p{N}")))),
    "SPACES": ("\\s of its regex engine", packed(ranges(matching(r"\s")))),
    "ASSIGNED": ("code points that its regex engine knows as assigned", packed(ranges(matching(r"\P{Cn}")))),
    "NFC_UNSAFE": ("characters that NFC may change or join to what stands before them", packed(ranges(marks | seconds | unstable))),
    "DECOMPOSING": ("characters that its NFKD changes", packed(ranges(compatible))),
    "WORD": ("\\w of its second regex engine", every(lambda c: len(words("a" + c)) == 1 and not c.isspace() and words("a" + c)[0][0] != "a")),
    "NUMERIC": ("what its Digits cuts off", every(lambda c: len(digits("a" + c)) == 2)),
    "PUNCTUATION": ("what its Punctuation and BertPreTokenizer cut off", every(lambda c: len(punctuation("a" + c)) == 2)),
    "CONTROL": ("what its BertNormalizer removes from text", every(lambda c: clean(c) == "")),
    "NONSPACING": ("marks that its BertNormalizer strips", every(lambda c: accents(c) == "")),
    "COMBINING": ("marks that its StripAccents strips", every(lambda c: combining(c) == "")),
    "COMBINING_CLASSES": ("canonical combining classes known to its normaliser, as gap, length, class",
        packed(ranges(marks, lambda c: unicodedata.combining(chr(c))), True)),
}
text = f"""/**
 * Unicode tables of the reference library, measured from tokenizers {tokenizers.__version__} by scripts/make-unicode-data.py: do not edit.
 * Sorted runs of code points in base 36: the gap after the run before, then the length of the run.
 */
"""
for name, (what, data) in tables.items():
    text += f"\n/** {what[0].upper() + what[1:]}. */\nexport const {name}: string =\n  \"{data}\";\n"
path = pathlib.Path(__file__).parent.parent / "src" / "text" / "unicode-data.ts"
path.write_text(text)
print(path, len(text), "bytes")
