"""Scripts that are written without spaces, and from where on a document counts as one in them."""

# The share of letters in scripts without spaces from which a document is judged by their limits. Each such letter is measured as
# a word and other words have about five letters, so from a sixth of the letters on, half of what is measured are such letters.
UNSPACED = 1 / 6

# Inside a character class of `regex`.
SCRIPTS = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    r"\p{Tibetan}\p{New_Tai_Lue}\p{Tai_Tham}\p{Javanese}\p{Balinese}"
)
