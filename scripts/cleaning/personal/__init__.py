"""How each kind of personal data is recognised: where to look, what stands before it, its form, its check digits."""
