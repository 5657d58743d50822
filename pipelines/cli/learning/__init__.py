"""`forewarn model drift`, `update`, `learn`, `history`: what moved, and a model that follows under the same gates."""
