"""What others send: bounded before it is parsed, checked before it is believed, never acted upon by itself."""
