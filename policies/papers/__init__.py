"""Paper from data: what law, agreements and controller already say, set out as drafts that name what nobody has said."""
