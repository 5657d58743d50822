"""`forewarn backfill`: what was asked, the plan of it, lanes in processes of their own, and the report at the end."""
