"""Texts on which two forms of a tokenizer come apart, if they do: white space, scripts, emoji, and names of special tokens."""

from __future__ import annotations

NASTY = (
    "",
    " ",
    "   three  spaces   ",
    "\ttab\tand\nnewline\n\n\nand\r\ncarriage",
    "1234567890 3.14159 1,000,000",
    "e\u0301 combining, \u00e9 composed, \ufb01 ligature, \u200bzero width",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 right to left",
    "\u4f60\u597d\u4e16\u754c \u3053\u3093\u306b\u3061\u306f \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\U0001f469\u200d\U0001f680 \U0001f1e9\U0001f1ea emoji \U0001f600\U0001f600",
    "under\u2581score \u2581 of sentencepiece",
    "\x01\x02\x1f\x7f controls",
    "<s> </s> <pad> <mask> <unk> <0x41> are text here",
    "x<s><s></s><<s>>[MASK] <sep><text><label> <0x0A>",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "don't won\u2019t \u201cquoted\u201d \u2014 dash\u2026",
)
