"""What is wrong with the statement of an equation, said before any work.

Errors for what cannot be meant: conditions on another geometry, values that are no numbers, functions that DeepXDE
would misread, residuals that are not finite. Warnings for what is seldom meant: a side without a condition, a
coefficient that jumps in a strong form.
"""
