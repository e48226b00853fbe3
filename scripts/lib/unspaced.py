"""From where on a document counts as one in a script without spaces; apart from the rules, which few steps need."""

# The share of letters in scripts without spaces from which a document is judged by their limits. Each such letter is measured as
# a word and other words have about five letters, so from a sixth of the letters on, half of what is measured are such letters.
UNSPACED = 1 / 6
