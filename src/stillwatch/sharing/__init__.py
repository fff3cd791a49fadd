"""What leaves a case for others, and what others send: no customer's text, account or address with it."""
