"""From a trained checkpoint to files for a phone, with a card that says what they are.

`steps.deploy` fuses, verifies, converts and evaluates; `card` holds what was measured, and
`release` makes an entry of the table of released weights of it.
"""
