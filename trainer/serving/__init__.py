"""The trained model for others: what it takes and answers, what it says of itself, and a server of it."""
