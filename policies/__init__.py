"""What may be said: law, agreements, categories, the decision and its explanation."""
